// Many at once, or one who never rests: joins and departures by the hundred, layers that start and
// stop, and a viewer who changes their mind a thousand times a second.
//
//     alice (VP8) -------------> node --> bob
//     mallory (VP8, three sizes) -+   +--> the crowd
#include <array>
#include <map>
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "media/rtp/rtcp_reader.h"
#include "tests/media/worker/innocents.h"
#include "tests/media/worker/raw_rtp.h"

namespace isthmus::media::testing {
namespace {

using sfu::Direction;
using std::chrono::milliseconds;

// KeyFrameRequester: one in 300 ms for each stream.
double requests_max(Duration elapsed) {
    return std::chrono::duration<double>(elapsed).count() / 0.3 + 2;
}

TEST(HostileCrowd, AThousandShortVisitsLeaveNothingBehind) {
    Meeting meeting(81);
    Innocents innocents(meeting);
    const sfu::WorkerStats before = meeting.core().stats();
    std::vector<Joined> visitors;  // hosts stay in the network
    std::size_t gone = 0;
    std::size_t connected = 0;
    innocents.frames(260, [&] {
        for (int i = 0; i < 4 && visitors.size() < 1000; ++i) {
            const std::string identity = "visitor" + std::to_string(visitors.size() % 50);
            auto joined = meeting.join(
                identity, {audio_section(Direction::kReceive), video_section(Direction::kSend)});
            ASSERT_TRUE(joined.has_value()) << meeting.error;
            visitors.push_back(*std::move(joined));
        }
        // The first leave before they are connected, the later ones after they were served.
        const std::size_t stay = visitors.size() < 200 ? 4 : 40;
        for (; gone + stay < visitors.size(); ++gone) {
            connected += visitors[gone].client->ice().connected() ? 1 : 0;
            meeting.leave(visitors[gone].connection);
        }
    });
    for (; gone < visitors.size(); ++gone) {
        meeting.leave(visitors[gone].connection);
    }
    meeting.run_for(milliseconds(500));
    innocents.expect_unharmed();
    ASSERT_EQ(visitors.size(), 1000U);
    EXPECT_GT(connected, 500U);
    EXPECT_EQ(meeting.gone().size(), 1000U);
    const sfu::WorkerStats after = meeting.core().stats();
    EXPECT_EQ(after.participants, before.participants);
    EXPECT_EQ(after.tracks, before.tracks);
    EXPECT_EQ(after.subscriptions, before.subscriptions);
    EXPECT_EQ(after.conferences, before.conferences);
    EXPECT_LE(static_cast<double>(innocents.asked()), requests_max(innocents.elapsed()));
}

TEST(HostileCrowd, ThreeHundredViewersWithinATenthOfASecondAskForFewKeyFrames) {
    Meeting meeting(82);
    Innocents innocents(meeting);
    innocents.frames(30);
    const std::size_t before = innocents.asked();
    std::vector<Joined> viewers;
    innocents.frames(3, [&] {
        for (int i = 0; i < 100; ++i) {
            auto joined = meeting.join("viewer" + std::to_string(viewers.size()),
                                       {video_section(Direction::kSend)});
            ASSERT_TRUE(joined.has_value()) << meeting.error;
            viewers.push_back(*std::move(joined));
        }
    });
    innocents.frames(60);
    innocents.expect_unharmed();
    EXPECT_LE(innocents.asked() - before, 3U);
    for (const Joined& viewer : viewers) {
        const auto& received = viewer.client->rtp;
        ASSERT_GE(received.size(), 3U * 45);
        for (std::size_t i = 1; i < received.size(); ++i) {
            ASSERT_EQ(received[i].view.seq,
                      static_cast<std::uint16_t>(received[i - 1].view.seq + 1));
        }
    }
}

// Three encodings of which each answers requests for key frames.
class Simulcast {
  public:
    static constexpr std::size_t kEncodings = 3;

    explicit Simulcast(Meeting& meeting) : meeting_(meeting) {
        sfu::MediaSection section = video_section(Direction::kReceive);
        section.extensions.set(rtp::ExtensionKind::kRid, kRidId);
        for (std::size_t i = 0; i < kEncodings; ++i) {
            section.encodings.push_back({.rid = rid(i)});
        }
        publisher = std::make_unique<Joined>(meeting.join_connected("mallory", {section}));
    }

    // One packet of each encoding that is on.
    void picture(const std::array<bool, kEncodings>& on) {
        take_requests();
        for (std::size_t i = 0; i < kEncodings; ++i) {
            if (!on[i]) {
                continue;
            }
            const bool key_frame = std::exchange(wanted_[i], false);
            rtp::Bytes payload = vp8_payload(key_frame, static_cast<std::uint8_t>(i));
            payload.resize(200U << i, static_cast<std::byte>(i));
            EXPECT_TRUE(publisher->client->ice().send_rtp(
                make_raw_rtp({.marker = true,
                              .seq = seqs_[i]++,
                              .timestamp = pictures_ * 2970,
                              .ssrc = kSsrc + static_cast<std::uint32_t>(i),
                              .payload = std::move(payload)},
                             {.rid = rid(i)})));
        }
        ++pictures_;
        meeting_.network().settle(*publisher->client);
    }

    std::unique_ptr<Joined> publisher;
    std::map<std::uint32_t, std::size_t> requests;  // by SSRC

  private:
    static constexpr std::uint32_t kSsrc = 0x1000;

    static std::string rid(std::size_t encoding) { return std::string(1, "qhf"[encoding]); }

    void take_requests() {
        for (const auto& compound : publisher->client->rtcp) {
            auto reader = rtp::RtcpReader::parse(compound);
            while (const auto message = reader ? reader->next() : std::nullopt) {
                if (const auto* loss = std::get_if<rtp::PictureLoss>(&*message)) {
                    ++requests[loss->media_ssrc];
                    wanted_.at(loss->media_ssrc - kSsrc) = true;
                }
            }
        }
        publisher->client->rtcp.clear();
    }

    Meeting& meeting_;
    std::array<std::uint16_t, kEncodings> seqs_{};
    std::array<bool, kEncodings> wanted_{true, true, true};
    std::uint32_t pictures_ = 0;
};

void expect_unbroken(const Joined& viewer) {
    const auto& received = viewer.client->rtp;
    for (std::size_t i = 1; i < received.size(); ++i) {
        ASSERT_EQ(received[i].view.seq, static_cast<std::uint16_t>(received[i - 1].view.seq + 1));
    }
}

TEST(HostileCrowd, LayersThatStartAndStopEveryTenthOfASecondKeepTheStreamWhole) {
    Meeting meeting(83);
    Innocents innocents(meeting);
    Simulcast camera(meeting);
    const Joined eve = join_watching(meeting, "eve", "mallory", {video_section(Direction::kSend)});
    int frame = 0;
    SeededRandom random(4);
    std::array<bool, Simulcast::kEncodings> on{};
    innocents.frames(450, [&] {
        if (frame++ % 3 == 0) {
            for (bool& one : on) {
                one = random.next_u32() % 2 == 0;
            }
        }
        camera.picture(on);
    });
    innocents.expect_unharmed();
    expect_unbroken(eve);
    EXPECT_GT(eve.client->rtp.size(), 150U) << "half of them, or what takes their place";
    // The largest stays away: she falls back to one that is there.
    innocents.frames(90, [&] { camera.picture({true, true, false}); });
    EXPECT_EQ(eve.client->rtp.back().view.payload.back(), std::byte{1});
    EXPECT_FALSE(camera.requests.empty());
    for (const auto& [ssrc, count] : camera.requests) {
        EXPECT_LE(static_cast<double>(count), requests_max(innocents.elapsed())) << ssrc;
    }
    // All three at rest again: she gets the best.
    innocents.frames(90, [&] { camera.picture({true, true, true}); });
    EXPECT_EQ(eve.client->rtp.back().view.payload.back(), std::byte{2});
}

TEST(HostileCrowd, AThousandLayerWishesASecondDisturbNobody) {
    Meeting meeting(84);
    Innocents innocents(meeting);
    Simulcast camera(meeting);
    const auto join = [&](const std::string& identity) {
        return join_watching(meeting, identity, "mallory", {video_section(Direction::kSend)});
    };
    const Joined eve = join("eve");
    const Joined quiet = join("quiet");
    innocents.frames(30, [&] { camera.picture({true, true, true}); });
    const std::size_t before = quiet.client->rtp.size();
    camera.requests.clear();
    const Duration since = innocents.elapsed();
    std::uint32_t wishes = 0;
    innocents.frames(150, [&] {
        camera.picture({true, true, true});
        for (int i = 0; i < 33; ++i, ++wishes) {
            EXPECT_TRUE(meeting.set_layer_wish(
                eve.connection,
                "video",
                {.max_spatial = static_cast<std::uint8_t>(wishes % Simulcast::kEncodings),
                 .paused = wishes % 7 == 0}));
        }
    });
    innocents.expect_unharmed();
    expect_unbroken(eve);
    expect_unbroken(quiet);
    EXPECT_EQ(quiet.client->rtp.size(), before + 150) << "watches the same, and what it wants";
    EXPECT_EQ(quiet.client->rtp.back().view.payload.back(), std::byte{2});
    for (const auto& [ssrc, count] : camera.requests) {
        EXPECT_LE(static_cast<double>(count), requests_max(innocents.elapsed() - since)) << ssrc;
    }
    // Once she has made up her mind she gets it.
    ASSERT_TRUE(meeting.set_layer_wish(eve.connection, "video", {.max_spatial = 1}));
    innocents.frames(60, [&] { camera.picture({true, true, true}); });
    EXPECT_EQ(eve.client->rtp.back().view.payload.back(), std::byte{1});
}

}  // namespace
}  // namespace isthmus::media::testing
