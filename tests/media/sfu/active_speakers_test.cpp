#include "media/sfu/active_speakers.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::media::sfu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::uint8_t kRoom = 70;
constexpr std::uint8_t kVoice = 35;
constexpr std::uint8_t kLoudVoice = 18;

// A room in which everybody sends a packet every 20 ms, at the level that is set for them.
class Room {
  public:
    explicit Room(std::size_t ranked_max, std::size_t people) : speakers(ranked_max) {
        for (std::size_t i = 0; i < people; ++i) {
            ids.push_back(speakers.add());
            levels.push_back(kRoom);
        }
        run(seconds(1));
    }

    void run(Duration duration) {
        for (const Instant end = now + duration; now < end; now += milliseconds(20)) {
            ++tick_;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                // Two of twelve packets are the pause between words.
                const bool pause = (tick_ + i) % 12 < 2;
                speakers.on_level(now, ids[i], pause ? kRoom : levels[i]);
            }
        }
    }

    void only(const std::vector<std::size_t>& talking) {
        std::ranges::fill(levels, kRoom);
        for (const std::size_t one : talking) {
            levels[one] = kVoice;
        }
    }

    [[nodiscard]] std::vector<std::size_t> ranked() const {
        std::vector<std::size_t> order;
        for (const SpeakerId id : speakers.ranked()) {
            order.push_back(static_cast<std::size_t>(id));
        }
        return order;
    }

    [[nodiscard]] std::size_t dominant() const {
        return static_cast<std::size_t>(speakers.dominant().value_or(SpeakerId{999}));
    }

    ActiveSpeakers speakers;
    std::vector<SpeakerId> ids;
    std::vector<std::uint8_t> levels;
    Instant now = Instant{} + std::chrono::hours(1);

  private:
    std::size_t tick_ = 0;
};

TEST(ActiveSpeakers, WhileThereIsRoomWhoeverSendsIsIn) {
    Room room(3, 5);
    EXPECT_THAT(room.ranked(), ElementsAre(0, 1, 2));
    EXPECT_EQ(room.dominant(), 999U);
}

TEST(ActiveSpeakers, TheFirstPacketOfSpeechTakesASilentPlace) {
    Room room(3, 50);
    EXPECT_TRUE(room.speakers.on_level(room.now, room.ids[40], kVoice));
    EXPECT_TRUE(room.speakers.is_ranked(room.ids[40]));
    EXPECT_EQ(room.ranked().front(), 40U);
}

TEST(ActiveSpeakers, WhoFallsSilentStaysUntilThePlaceIsNeeded) {
    Room room(3, 50);
    room.only({10, 20, 30});
    room.run(seconds(5));
    EXPECT_THAT(room.ranked(), UnorderedElementsAre(10, 20, 30));
    room.only({});
    room.run(seconds(20));
    EXPECT_THAT(room.ranked(), UnorderedElementsAre(10, 20, 30));
    room.only({40});
    room.run(milliseconds(300));
    EXPECT_EQ(room.ranked().front(), 40U);
    EXPECT_EQ(room.ranked().size(), 3U);
}

TEST(ActiveSpeakers, TheOneWhoWasSilentLongestMakesRoom) {
    Room room(3, 50);
    room.only({10});
    room.run(seconds(2));
    room.only({20});
    room.run(seconds(2));
    room.only({30});
    room.run(seconds(2));
    room.only({40});
    room.run(seconds(2));
    EXPECT_THAT(room.ranked(), UnorderedElementsAre(20, 30, 40));
}

TEST(ActiveSpeakers, AFourthVoiceDoesNotPushOutThreeThatAreAsLoud) {
    Room room(3, 10);
    room.only({1, 2, 3});
    room.run(seconds(5));
    const auto changes = room.speakers.counters().ranking_changes;
    room.only({1, 2, 3, 4, 5, 6});
    room.run(seconds(30));
    EXPECT_THAT(room.ranked(), UnorderedElementsAre(1, 2, 3));
    EXPECT_EQ(room.speakers.counters().ranking_changes, changes) << "nobody flutters";
}

TEST(ActiveSpeakers, AMuchLouderOneDoesAfterHalfASecond) {
    Room room(3, 10);
    room.only({1, 2, 3});
    room.run(seconds(5));
    room.levels[4] = kLoudVoice;
    room.run(milliseconds(200));
    EXPECT_FALSE(room.speakers.is_ranked(room.ids[4]));
    room.run(seconds(1));
    EXPECT_TRUE(room.speakers.is_ranked(room.ids[4]));
    EXPECT_EQ(room.ranked().size(), 3U);
}

TEST(ActiveSpeakers, TheWordPassesWhenTheDominantSpeakerPauses) {
    Room room(3, 10);
    room.only({1});
    room.run(seconds(3));
    EXPECT_EQ(room.dominant(), 1U);
    room.only({1, 2});
    room.run(seconds(10));
    EXPECT_EQ(room.dominant(), 1U) << "who interrupts does not have the word";
    room.only({2});
    room.run(seconds(2));
    EXPECT_EQ(room.dominant(), 2U);
    EXPECT_EQ(room.ranked().front(), 2U);
    EXPECT_EQ(room.speakers.counters().dominant_changes, 2U);
}

TEST(ActiveSpeakers, ACoughDoesNotTakeTheWord) {
    Room room(3, 10);
    room.only({1});
    room.run(seconds(3));
    for (int i = 0; i < 20; ++i) {
        room.only({1, 5});
        room.run(milliseconds(80));
        room.only({1});
        room.run(seconds(1));
    }
    EXPECT_EQ(room.dominant(), 1U);
    EXPECT_EQ(room.speakers.counters().dominant_changes, 1U);
}

TEST(ActiveSpeakers, WhoLiesAboutHisLevelHoldsNoPlaceThatIsNeeded) {
    Room room(3, 10);
    room.levels[9] = 0;
    for (int i = 0; i < 50 * 10; ++i) {  // without any pause
        for (const SpeakerId id : room.ids) {
            room.speakers.on_level(room.now, id, static_cast<std::size_t>(id) == 9 ? 0 : kRoom);
        }
        room.now += milliseconds(20);
    }
    EXPECT_FALSE(room.speakers.speaking(room.now, room.ids[9]));
    for (int i = 0; i < 50 * 3; ++i) {
        for (std::size_t id = 0; id < 10; ++id) {
            const bool talks = id >= 1 && id <= 3 && i % 12 > 1;
            room.speakers.on_level(room.now, room.ids[id], id == 9 ? 0 : (talks ? kVoice : kRoom));
        }
        room.now += milliseconds(20);
    }
    EXPECT_THAT(room.ranked(), UnorderedElementsAre(1, 2, 3));
}

TEST(ActiveSpeakers, SendersWithoutLevelsAreHeardButGiveWay) {
    Room room(2, 4);
    for (int i = 0; i < 100; ++i) {
        room.now += milliseconds(20);
        room.speakers.on_unlevelled(room.now, room.ids[2], 80);
        room.speakers.on_unlevelled(room.now, room.ids[3], 80);
    }
    EXPECT_THAT(room.ranked(), UnorderedElementsAre(2, 3));
    EXPECT_TRUE(room.speakers.speaking(room.now, room.ids[2]));
    EXPECT_EQ(room.speakers.level(room.ids[2]), kRoom);
    for (int i = 0; i < 150; ++i) {
        room.now += milliseconds(20);
        room.speakers.on_unlevelled(room.now, room.ids[2], 80);
        room.speakers.on_unlevelled(room.now, room.ids[3], 80);
        room.speakers.on_level(room.now, room.ids[0], i % 12 < 2 ? kRoom : kVoice);
    }
    EXPECT_TRUE(room.speakers.is_ranked(room.ids[0]));
}

TEST(ActiveSpeakers, SilentByDtxIsSilent) {
    Room room(1, 3);
    room.only({0});
    room.run(seconds(2));
    EXPECT_EQ(room.dominant(), 0U);
    // Speaker 0 sends nothing from here on, speaker 1 talks.
    for (int i = 0; i < 100; ++i) {
        room.speakers.on_level(room.now, room.ids[1], i % 12 < 2 ? kRoom : kVoice);
        room.now += milliseconds(20);
    }
    EXPECT_THAT(room.ranked(), ElementsAre(1));
    EXPECT_EQ(room.dominant(), 1U);
}

TEST(ActiveSpeakers, WhoLeavesFreesThePlaceAndTheWord) {
    Room room(2, 4);
    room.only({0});
    room.run(seconds(2));
    EXPECT_TRUE(room.speakers.remove(room.ids[0]));
    EXPECT_FALSE(room.speakers.dominant().has_value());
    EXPECT_FALSE(room.speakers.remove(room.ids[3]));
    const SpeakerId again = room.speakers.add();
    EXPECT_EQ(again, room.ids[3]) << "ids are used again";
    EXPECT_FALSE(room.speakers.is_ranked(again));
    EXPECT_TRUE(room.speakers.on_level(room.now, again, kRoom)) << "there is room";
}

TEST(ActiveSpeakers, OfTheRankedThoseWhoSpeakComeFirst) {
    Room room(3, 10);
    room.only({1, 2, 3});
    room.run(seconds(3));
    room.only({3});
    room.run(seconds(2));
    EXPECT_EQ(room.ranked().front(), 3U);
    room.only({3, 2});
    room.run(seconds(2));
    EXPECT_THAT(room.ranked(), ElementsAre(3, 2, 1));
}

}  // namespace
}  // namespace isthmus::media::sfu
