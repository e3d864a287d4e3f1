#include "media/transport/io/frame_backlog.h"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "media/transport/stream_framing.h"

namespace isthmus::media::transport {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::seconds(100)};

std::vector<std::byte> frame(std::size_t bytes, char fill) {
    return std::vector<std::byte>(bytes, static_cast<std::byte>(fill));
}

TEST(FrameBacklog, GivesTheStreamInOrder) {
    FrameBacklog backlog({});
    ASSERT_TRUE(backlog.push(kStart, frame(3, 'a')));
    ASSERT_TRUE(backlog.push(kStart, frame(2, 'b')));
    EXPECT_EQ(backlog.bytes(), 9U);
    std::string stream;
    while (!backlog.empty()) {
        stream += static_cast<char>(backlog.front().front());
        backlog.consume(1);
    }
    EXPECT_EQ(stream, std::string("\0\3aaa\0\2bb", 9));
}

TEST(FrameBacklog, DropsWholeFramesThatWaitedMoreThanHalfASecond) {
    FrameBacklog backlog({});
    ASSERT_TRUE(backlog.push(kStart, frame(10, 'a')));
    ASSERT_TRUE(backlog.push(kStart + milliseconds(100), frame(10, 'b')));
    EXPECT_EQ(backlog.expire(kStart + milliseconds(500)), 0U);
    EXPECT_EQ(backlog.expire(kStart + milliseconds(501)), 1U);
    EXPECT_EQ(backlog.front()[2], std::byte{'b'});
    EXPECT_EQ(backlog.expire(kStart + milliseconds(601)), 1U);
    EXPECT_TRUE(backlog.empty());
}

TEST(FrameBacklog, FinishesAFrameThatHasBegunHoweverOldItIs) {
    FrameBacklog backlog({});
    ASSERT_TRUE(backlog.push(kStart, frame(10, 'a')));
    ASSERT_TRUE(backlog.push(kStart, frame(10, 'b')));
    backlog.consume(5);
    EXPECT_EQ(backlog.expire(kStart + std::chrono::hours(1)), 1U);
    EXPECT_EQ(backlog.bytes(), 7U);
    EXPECT_TRUE(std::ranges::equal(backlog.front(), frame(7, 'a')));
    backlog.consume(7);
    EXPECT_TRUE(backlog.empty());
}

TEST(FrameBacklog, TakesTheRestOfAFrameThatLeftInPart) {
    for (const std::size_t sent : {1U, 2U, 3U, 11U}) {
        FrameBacklog backlog({});
        backlog.push_begun(frame(10, 'a'), sent);
        ASSERT_TRUE(backlog.push(kStart, frame(1, 'b')));
        std::size_t bytes = 0;
        while (!backlog.empty()) {
            const std::size_t step = backlog.front().size();
            bytes += step;
            backlog.consume(step);
        }
        EXPECT_EQ(bytes, 12 - sent + 3);
    }
}

TEST(FrameBacklog, RefusesWhatIsAboveTheLimitInBytes) {
    FrameBacklog backlog({.bytes = 100});
    ASSERT_TRUE(backlog.push(kStart, frame(48, 'a')));
    ASSERT_TRUE(backlog.push(kStart, frame(48, 'b')));
    EXPECT_FALSE(backlog.push(kStart, frame(1, 'c')));
    backlog.consume(50);
    EXPECT_TRUE(backlog.push(kStart, frame(48, 'c')));
    EXPECT_EQ(backlog.bytes(), 100U);
}

// Against a plain model: whatever is pushed, sent and dropped, the stream stays a row of whole
// frames.
TEST(FrameBacklog, KeepsTheStreamWholeUnderRandomUse) {
    SeededRandom random(500);
    FrameBacklog backlog({.bytes = 2000});
    StreamDeframer deframer(1000);
    Instant now = kStart;
    std::deque<std::vector<std::byte>> pushed;
    std::vector<std::byte> buffer(8192);
    std::uint64_t seen = 0;
    for (int step = 0; step < 20000; ++step) {
        now += milliseconds(random.next_u32() % 60);
        backlog.expire(now);
        std::vector<std::byte> next(1 + random.next_u32() % 400);
        random.fill(next);
        if (backlog.push(now, next)) {
            pushed.push_back(next);
        }
        const auto front = backlog.front();
        const std::size_t sent = random.next_u32() % (front.size() + 1);
        const auto room = deframer.begin(buffer);
        std::ranges::copy(front.first(sent), room.begin());
        deframer.received(sent);
        backlog.consume(sent);
        while (true) {
            const auto received = deframer.next();
            ASSERT_TRUE(received);
            if (!*received) {
                break;
            }
            while (!pushed.empty() && !std::ranges::equal(pushed.front(), **received)) {
                pushed.pop_front();  // dropped
            }
            ASSERT_FALSE(pushed.empty()) << "a frame that nobody pushed";
            pushed.pop_front();
            ++seen;
        }
        deframer.end();
        ASSERT_LE(backlog.bytes(), 2000U);
    }
    EXPECT_GT(seen, 1000U);
}

}  // namespace
}  // namespace isthmus::media::transport
