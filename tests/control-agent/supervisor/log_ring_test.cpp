#include "control-agent/supervisor/log_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr Instant kNow{seconds(100)};

TEST(LogRing, MakesLinesOfBytesHoweverTheyCome) {
    LogRing ring;
    ring.add(kNow, "one\ntw");
    ring.add(kNow, "o\r\n\nth");
    EXPECT_THAT(ring.last(10), ElementsAre("one", "two", ""));
    ring.add(kNow, "ree");
    ring.end_line(kNow);
    ring.end_line(kNow);
    EXPECT_THAT(ring.last(2), ElementsAre("", "three"));
    EXPECT_EQ(ring.lines(), 4U);
    EXPECT_THAT(ring.last(0), IsEmpty());
}

TEST(LogRing, KeepsTheLastLines) {
    LogRing ring({.lines = 3});
    for (int i = 0; i < 10; ++i) {
        ring.add(kNow, std::to_string(i) + "\n");
    }
    EXPECT_THAT(ring.last(10), ElementsAre("7", "8", "9"));
}

TEST(LogRing, IsBoundedInBytes) {
    LogRing ring({.bytes = 100, .line_bytes = 60});
    for (int i = 0; i < 10; ++i) {
        ring.add(kNow, std::string(40, static_cast<char>('a' + i)) + "\n");
    }
    EXPECT_THAT(ring.last(10), ElementsAre(std::string(40, 'i'), std::string(40, 'j')));
    ring.add(kNow, std::string(1'000'000, 'x'));
    ring.add(kNow, std::string(1'000'000, 'x') + "\n");
    EXPECT_EQ(ring.last(1).at(0), std::string(60, 'x'));
}

TEST(LogRing, DropsWhatIsTooMuchButForTheLastWords) {
    LogRing ring({.lines_per_s = 10, .lines_burst = 2, .last_words = 1});
    for (int i = 0; i < 5; ++i) {
        ring.add(kNow, std::to_string(i) + "\n");
    }
    EXPECT_THAT(ring.last(10), ElementsAre("0", "1", StartsWith("[2 lines dropped"), "4"));
    EXPECT_THAT(ring.last(1), ElementsAre("4"));
    EXPECT_EQ(ring.dropped(), 2U);
    ring.add(kNow + milliseconds(100), "later\n");
    EXPECT_THAT(ring.last(10), ElementsAre("0", "1", StartsWith("[2 lines dropped"), "4", "later"));
    EXPECT_EQ(ring.lines(), 6U);
    EXPECT_EQ(ring.dropped(), 2U);
}

TEST(LogRing, SaysWhereSomethingIsMissing) {
    LogRing ring;
    ring.add(kNow, "half a li");
    ring.note_gap(12'345);
    ring.add(kNow, "whole\n");
    EXPECT_THAT(ring.last(5), ElementsAre(StartsWith("[12345 bytes"), "whole"));
}

}  // namespace
}  // namespace isthmus::supervisor
