#include "media/congestion/pacer.h"

#include <chrono>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "media/congestion/pacer_queue.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr DataSize kPacket = DataSize::bytes(1200);

struct Releases {
    std::vector<Instant> at;
    std::vector<std::size_t> packets;
};

// Releases all that waits, at the instants that the queue asks for.
Releases drain(PacerQueue<int>& queue, Pacer& pacer, Instant now) {
    Releases run;
    while (!queue.empty()) {
        now = queue.next_release(now, pacer);
        std::size_t packets = 0;
        queue.release(now, pacer, [&](int, DataSize) { ++packets; });
        EXPECT_GT(packets, 0U);
        if (packets == 0) {
            break;
        }
        run.at.push_back(now);
        run.packets.push_back(packets);
    }
    return run;
}

void push(PacerQueue<int>& queue, Instant now, int packets) {
    for (int i = 0; i < packets; ++i) {
        ASSERT_TRUE(queue.push(now, kPacket, i));
    }
}

TEST(Pacer, ReleasesTwoPacketsAtATimeAtALowRate) {
    Pacer pacer({}, DataRate::kbps(960));  // 8 packets in 80 ms
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 64);
    push(queue, at_ms(1000), 8);
    const Releases run = drain(queue, pacer, at_ms(1000));
    EXPECT_EQ(run.packets, std::vector<std::size_t>(4, 2));
    EXPECT_EQ(run.at.front(), at_ms(1000));
    // The first two of 80 ms go at once.
    EXPECT_GE(run.at.back(), at_ms(1055));
    EXPECT_LE(run.at.back(), at_ms(1065));
}

TEST(Pacer, ReleasesFiveMillisecondsAtATimeAtAHighRate) {
    Pacer pacer({}, DataRate::kbps(24'000));  // 15 kB in 5 ms: 12 packets
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 64);
    push(queue, at_ms(1000), 30);
    const Releases run = drain(queue, pacer, at_ms(1000));
    EXPECT_EQ(run.packets, (std::vector<std::size_t>{12, 12, 6}));
    EXPECT_EQ(run.at, (std::vector{at_ms(1000), at_ms(1005), at_ms(1008)}));
}

TEST(Pacer, ReleasesReceiversOnOneGrid) {
    PacerConfig config;
    config.grid = milliseconds(2);
    for (int receiver = 0; receiver < 50; ++receiver) {
        Pacer pacer(config, DataRate::kbps(900 + 37 * receiver));
        PacerPool<int> pool(4096);
        PacerQueue<int> queue(pool, 64);
        const Instant now = at_ms(1000) + microseconds(receiver * 113);
        push(queue, now, 8);
        const Releases run = drain(queue, pacer, now);
        for (std::size_t i = 1; i < run.at.size(); ++i) {
            EXPECT_EQ(run.at[i].time_since_epoch() % milliseconds(2), Duration::zero());
        }
    }
}

TEST(Pacer, GathersNoMoreThanOneReleaseWhileIdle) {
    Pacer pacer({}, DataRate::kbps(2400));
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 64);
    push(queue, at_ms(1000), 1);
    drain(queue, pacer, at_ms(1000));
    push(queue, at_ms(9000), 8);
    EXPECT_EQ(drain(queue, pacer, at_ms(9000)).packets.front(), 2U);
}

TEST(Pacer, MakesMediaPayForAudio) {
    Pacer pacer({}, DataRate::kbps(960));  // 1200 bytes in 10 ms
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 64);
    push(queue, at_ms(1000), 2);
    drain(queue, pacer, at_ms(1000));
    push(queue, at_ms(1100), 2);
    pacer.on_sent(at_ms(1100), DataSize::bytes(1200));
    const Instant without_audio = at_ms(1100);
    const Instant due = queue.next_release(at_ms(1100), pacer);
    EXPECT_GT(due, without_audio);
    EXPECT_LE(due, at_ms(1111));
}

// Audio that takes more than the whole rate does not stop media for ever.
TEST(Pacer, BoundsTheDebt) {
    Pacer pacer({}, DataRate::kbps(100));
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 64);
    push(queue, at_ms(1000), 1);
    pacer.on_sent(at_ms(1000), DataSize::bytes(1'000'000));
    EXPECT_LE(queue.next_release(at_ms(1000), pacer), at_ms(1300));
}

TEST(Pacer, DrainsAQueueThatIsTooOldFaster) {
    PacerConfig config;
    config.queue_time_max = milliseconds(200);
    Pacer pacer(config, DataRate::kbps(100));  // 96 ms a packet
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 64);
    push(queue, at_ms(1000), 20);
    const Releases run = drain(queue, pacer, at_ms(1000));
    EXPECT_LE(run.at.back(), at_ms(1210));
}

TEST(PacerQueue, BoundsItsLengthAndKeepsOrderAsItGrows) {
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 32);
    Pacer pacer({}, DataRate::kbps(1'000'000));
    int expected = 0;
    int pushed = 0;
    for (int round = 0; round < 5; ++round) {
        while (queue.push(at_ms(1000 + round), DataSize::bytes(100), pushed)) {
            ++pushed;
        }
        EXPECT_EQ(queue.size(), 32U);
        EXPECT_EQ(queue.bytes(), DataSize::bytes(3200));
        for (int i = 0; i < 7; ++i) {
            queue.release_at_least(
                at_ms(1000), DataSize::bytes(1), pacer, [&](int entry, DataSize) {
                    EXPECT_EQ(entry, expected++);
                });
        }
    }
    EXPECT_EQ(queue.dropped(), 5U);
}

TEST(PacerQueue, DropsWhatIsNotWantedAnyMore) {
    PacerPool<int> pool(4096);
    PacerQueue<int> queue(pool, 32);
    Pacer pacer({}, DataRate::kbps(1'000'000));
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(queue.push(at_ms(1000), DataSize::bytes(100), i));
    }
    queue.drop_if([](int entry) { return entry % 2 == 0; });
    EXPECT_EQ(queue.bytes(), DataSize::bytes(500));
    std::vector<int> left;
    queue.release_at_least(at_ms(1000), DataSize::bytes(9999), pacer, [&](int entry, DataSize) {
        left.push_back(entry);
    });
    EXPECT_EQ(left, (std::vector{1, 3, 5, 7, 9}));
}

}  // namespace
}  // namespace isthmus::media::congestion
