// Many publish sound, few of them speak, others listen:
//
//     person 0 .. n (Opus with levels) -- 5 ms --> node -- 5 ms --> listeners
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "tests/media/worker/meeting.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr simulator::LinkConfig kLine{.delay = milliseconds(5)};
constexpr std::uint8_t kRoom = 70;
constexpr std::uint8_t kVoice = 30;

// Packets of one SSRC in the order of arrival.
std::vector<const ReceivedRtp*> of_ssrc(const Client& client, std::uint32_t ssrc) {
    std::vector<const ReceivedRtp*> found;
    for (const ReceivedRtp& packet : client.rtp) {
        if (packet.view.ssrc == ssrc) {
            found.push_back(&packet);
        }
    }
    return found;
}

std::vector<sfu::MediaSection> audio_sections(int count) {
    std::vector<sfu::MediaSection> sections;
    for (int i = 0; i < count; ++i) {
        sections.push_back(audio_section(Direction::kSend));
        sections.back().mid = "audio" + std::to_string(i);
    }
    return sections;
}

// The payload says whose it is and which packet: 0 to 3 the person, 4 to 7 the tick.
std::uint32_t person_of(const ReceivedRtp& packet) {
    return load_be32(packet.view.payload.data());
}

std::uint32_t tick_of(const ReceivedRtp& packet) {
    return load_be32(packet.view.payload.data() + 4);
}

// People who send a packet every 20 ms, whether they say something or not.
class Crowd {
  public:
    // `film`: who sends the sound of a screen share, if anybody.
    Crowd(Meeting& meeting, int people, std::optional<int> film = std::nullopt)
        : meeting_(meeting) {
        for (int i = 0; i < people; ++i) {
            sfu::MediaSection section = audio_section(Direction::kReceive);
            if (i == film) {
                section.source = sfu::TrackSource::kScreenShareAudio;
            }
            people_.push_back(
                meeting.join_connected("person" + std::to_string(i), {section}, kLine));
        }
    }

    void run(Duration duration) {
        for (Duration passed{}; passed < duration; passed += milliseconds(20)) {
            for (std::uint32_t i = 0; i < people_.size(); ++i) {
                if (!gone.contains(i)) {
                    send(i);
                }
            }
            ++tick_;
            meeting_.run_for(milliseconds(20));
        }
    }

    [[nodiscard]] ConnectionId connection_of(std::size_t person) const {
        return people_[person].connection;
    }

    [[nodiscard]] std::uint32_t tick() const { return tick_; }

    std::set<std::uint32_t> talking;
    std::set<std::uint32_t> gone;
    bool levels = true;

  private:
    void send(std::uint32_t person) {
        // Two packets in twelve are the pause between words.
        const bool voice = talking.contains(person) && (tick_ + person) % 12 >= 2;
        RtpToSend packet{.payload_type = kOpusType,
                         .seq = static_cast<std::uint16_t>(65000 + tick_),
                         .timestamp = 0xFFFF0000U + person + tick_ * 960,
                         .ssrc = 1000 + person,
                         .mid = "audio",
                         .payload = std::vector<std::byte>(60)};
        store_be32(packet.payload.data(), person);
        store_be32(packet.payload.data() + 4, tick_);
        if (levels) {
            packet.level = rtp::AudioLevel{.minus_dbov = voice ? kVoice : kRoom, .voice = voice};
        }
        meeting_.send_rtp(people_[person], packet);
    }

    Meeting& meeting_;
    std::deque<Joined> people_;
    std::uint32_t tick_ = 0;
};

void expect_unbroken(const std::vector<const ReceivedRtp*>& packets) {
    for (std::size_t i = 1; i < packets.size(); ++i) {
        EXPECT_EQ(packets[i]->view.seq, static_cast<std::uint16_t>(packets[i - 1]->view.seq + 1));
        EXPECT_GT(rtp::distance(packets[i - 1]->view.timestamp, packets[i]->view.timestamp), 0);
    }
}

// How many packets a room of `people` has sent on to two listeners, with three who talk.
std::uint64_t forwarded_in_room_of(int people, std::uint64_t& gated) {
    Meeting meeting(21);
    Crowd crowd(meeting, people);
    std::deque<Joined> listeners;
    for (int i = 0; i < 2; ++i) {
        listeners.push_back(
            meeting.join_connected("listener" + std::to_string(i), audio_sections(3), kLine));
    }
    crowd.talking = {0, 3, 4};
    crowd.run(seconds(3));
    const sfu::WorkerStats before = meeting.core().stats();
    crowd.run(seconds(5));
    const sfu::WorkerStats after = meeting.core().stats();
    gated = after.audio_gated - before.audio_gated;
    return after.rtp_forwarded - before.rtp_forwarded;
}

TEST(AudioSelection, WhatIsForwardedDoesNotGrowWithSilentPeople) {
    std::uint64_t gated_small = 0;
    std::uint64_t gated_large = 0;
    const std::uint64_t small = forwarded_in_room_of(5, gated_small);
    const std::uint64_t large = forwarded_in_room_of(50, gated_large);
    // 3 talkers, 2 listeners, 50 packets a second.
    EXPECT_EQ(small, 3U * 2 * 250);
    EXPECT_EQ(large, small);
    EXPECT_EQ(gated_small, 2U * 250);
    EXPECT_EQ(gated_large, 47U * 250);
}

TEST(AudioSelection, ATalkspurtBeginsUnclippedAndContinuesTheStream) {
    Meeting meeting(22);
    Crowd crowd(meeting, 8);
    // A section for everybody: nothing is ever bound again.
    const Joined listener = meeting.join_connected("listener", audio_sections(8), kLine);
    crowd.talking = {0, 1, 7};
    crowd.run(seconds(2));
    crowd.talking = {0, 1, 2};
    crowd.run(seconds(2));
    crowd.talking = {0, 1};
    crowd.run(seconds(1));
    const std::uint32_t silent_until = crowd.tick();
    crowd.talking = {0, 1, 7};
    crowd.run(seconds(2));

    for (const sfu::SenderDescription& sender : listener.senders) {
        const auto packets = of_ssrc(*listener.client, sender.ssrc);
        if (packets.empty() || person_of(*packets[0]) != 7) {
            continue;
        }
        expect_unbroken(packets);
        const auto again = std::ranges::find_if(packets, [&](const ReceivedRtp* packet) {
            return tick_of(*packet) + 2 >= silent_until;
        });
        ASSERT_NE(again, packets.end());
        ASSERT_NE(again, packets.begin());
        EXPECT_LT(tick_of(**(again - 1)) + 50, silent_until) << "it was gated for a while";
        // The first packet of speech after the pause of its rhythm, and the two before it.
        std::uint32_t onset = silent_until;
        while ((onset + 7) % 12 < 2) {
            ++onset;
        }
        EXPECT_EQ(tick_of(**again), onset - 2);
        EXPECT_TRUE((*again)->view.marker);
        EXPECT_FALSE((*(again + 1))->view.marker);
        // Time went on by what the publisher's clock did, not by when packets came.
        EXPECT_EQ(rtp::distance((*(again - 1))->view.timestamp, (*again)->view.timestamp),
                  static_cast<std::int32_t>(960 * (tick_of(**again) - tick_of(**(again - 1)))));
        return;
    }
    FAIL() << "nobody heard person 7";
}

TEST(AudioSelection, TheSoundOfAScreenIsNobodyWhoSpeaksAndIsAlwaysHeard) {
    Meeting meeting(31);
    constexpr int kFilm = 4;
    Crowd crowd(meeting, 8, kFilm);
    const Joined listener = meeting.join_connected("listener", audio_sections(8), kLine);
    // Loud as it is, it takes nobody's place, and soft as it becomes, it is not left out.
    crowd.talking = {0, 1, 2, kFilm};
    crowd.run(seconds(3));
    EXPECT_EQ(meeting.conference().dominant_speaker.find("person4"), std::string::npos);
    crowd.talking = {0, 1, 2};
    const std::uint32_t from = crowd.tick();
    crowd.run(seconds(3));
    std::map<std::uint32_t, int> heard;
    for (const ReceivedRtp& packet : listener.client->rtp) {
        heard[person_of(packet)] += tick_of(packet) >= from ? 1 : 0;
    }
    EXPECT_EQ(heard[kFilm], 150);
    for (const std::uint32_t talker : {0U, 1U, 2U}) {
        EXPECT_EQ(heard[talker], 150) << talker;
    }
    EXPECT_EQ(heard[7], 0);
}

TEST(AudioSelection, AListenerWithOneSectionHearsWhoeverHasTheWord) {
    Meeting meeting(23);
    Crowd crowd(meeting, 6);
    const Joined listener = meeting.join_connected("listener", audio_sections(1), kLine);
    for (const std::uint32_t talker : {5U, 2U, 4U, 5U}) {
        crowd.talking = {talker};
        const std::size_t before = listener.client->rtp.size();
        crowd.run(seconds(3));
        const auto packets = of_ssrc(*listener.client, listener.senders[0].ssrc);
        EXPECT_EQ(packets.size(), listener.client->rtp.size());
        ASSERT_GE(packets.size(), before + 145) << "talker " << talker;
        EXPECT_EQ(person_of(*packets.back()), talker);
    }
    expect_unbroken(of_ssrc(*listener.client, listener.senders[0].ssrc));
    EXPECT_EQ(meeting.conference().dominant_speaker, "person5");
}

TEST(AudioSelection, AListenerWithThreeSectionsHearsThreeOfAThousandAtATime) {
    Meeting meeting(24);
    Crowd crowd(meeting, 12);
    const Joined listener = meeting.join_connected("listener", audio_sections(3), kLine);
    for (const std::set<std::uint32_t>& talkers :
         {std::set<std::uint32_t>{9, 10, 11}, std::set<std::uint32_t>{3, 10, 6}}) {
        crowd.talking = talkers;
        crowd.run(seconds(3));
        const std::size_t before = listener.client->rtp.size();
        crowd.run(seconds(1));
        std::set<std::uint32_t> heard;
        for (std::size_t i = before; i < listener.client->rtp.size(); ++i) {
            heard.insert(person_of(listener.client->rtp[i]));
        }
        EXPECT_EQ(heard, talkers);
        EXPECT_EQ(listener.client->rtp.size() - before, 150U);
    }
    for (const sfu::SenderDescription& sender : listener.senders) {
        expect_unbroken(of_ssrc(*listener.client, sender.ssrc));
    }
}

TEST(AudioSelection, ZeroForwardsEverybody) {
    WorkerCoreConfig config;
    config.limits.audio_loudest = 0;
    Meeting meeting(25, config);
    Crowd crowd(meeting, 6);
    const Joined listener = meeting.join_connected("listener", audio_sections(6), kLine);
    crowd.run(seconds(1));
    EXPECT_EQ(listener.client->rtp.size(), 6U * 50);
    EXPECT_EQ(meeting.core().stats().audio_gated, 0U);
}

std::size_t heard_in_room_of(int people, std::uint32_t all_up_to) {
    WorkerCoreConfig config;
    config.limits.audio_all_up_to = all_up_to;
    Meeting meeting(27, config);
    Crowd crowd(meeting, people);
    const Joined listener = meeting.join_connected("listener", audio_sections(people), kLine);
    crowd.run(seconds(1));
    std::set<std::uint32_t> heard;
    for (const ReceivedRtp& packet : listener.client->rtp) {
        heard.insert(person_of(packet));
    }
    return heard.size();
}

TEST(AudioSelection, ASmallRoomHearsEverybody) {
    EXPECT_EQ(heard_in_room_of(5, 5), 5U);
    EXPECT_EQ(heard_in_room_of(6, 5), 3U);
    EXPECT_EQ(heard_in_room_of(3, 1), 3U) << "never fewer than are heard in large ones";
}

TEST(AudioSelection, AsManyAsMayBeHeardAreNotGated) {
    Meeting meeting(26);
    Crowd crowd(meeting, 3);
    const Joined listener = meeting.join_connected("listener", audio_sections(3), kLine);
    crowd.run(seconds(1));
    EXPECT_EQ(listener.client->rtp.size(), 3U * 50);
}

TEST(AudioSelection, WhoIsWatchedByNameIsHeardEvenSilent) {
    Meeting meeting(27);
    Crowd crowd(meeting, 8);
    meeting.watch_identity = "person6";
    const Joined watcher = meeting.join_connected("watcher", audio_sections(1), kLine);
    crowd.talking = {0, 1, 2, 3};
    crowd.run(seconds(2));
    EXPECT_EQ(watcher.client->rtp.size(), 100U);
    const std::uint64_t gated = meeting.core().stats().audio_gated;
    meeting.leave(watcher.connection);
    crowd.run(seconds(1));
    EXPECT_EQ(meeting.core().stats().audio_gated, gated + 5U * 50)
        << "person6 is one of many again";
}

TEST(AudioSelection, TheStateOfSpeakersIsToBeSeen) {
    Meeting meeting(28);
    Crowd crowd(meeting, 5);
    crowd.talking = {3};
    crowd.run(seconds(2));
    EXPECT_TRUE(meeting.participant("person3")->speaking);
    EXPECT_FALSE(meeting.participant("person0")->speaking);
    EXPECT_EQ(meeting.participant("person0")->audio_level_minus_dbov, kRoom);
    EXPECT_EQ(meeting.conference().dominant_speaker, "person3");
    EXPECT_EQ(meeting.core().stats().dominant_speaker_changes, 1U);
}

TEST(AudioSelection, SendersWithoutLevelsAreForwarded) {
    Meeting meeting(29);
    Crowd crowd(meeting, 5);
    crowd.levels = false;
    const Joined listener = meeting.join_connected("listener", audio_sections(5), kLine);
    crowd.run(seconds(1));
    EXPECT_EQ(listener.client->rtp.size(), 3U * 50) << "the first three";
}

TEST(AudioSelection, WhenATalkerLeavesAnotherTakesThePlaceAtOnce) {
    Meeting meeting(30);
    Crowd crowd(meeting, 5);
    const Joined listener = meeting.join_connected("listener", audio_sections(1), kLine);
    crowd.talking = {0};
    crowd.run(seconds(2));
    meeting.leave(crowd.connection_of(0));
    crowd.gone = {0};
    crowd.talking = {4};
    const std::size_t before = listener.client->rtp.size();
    crowd.run(seconds(1));
    EXPECT_GE(listener.client->rtp.size(), before + 45);
    EXPECT_EQ(person_of(listener.client->rtp.back()), 4U);
    expect_unbroken(of_ssrc(*listener.client, listener.senders[0].ssrc));
}

}  // namespace
}  // namespace isthmus::media::testing
