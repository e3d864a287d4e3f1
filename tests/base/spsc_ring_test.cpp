#include "base/spsc_ring.h"

#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace isthmus {
namespace {

bool push(SpscRing& ring, std::uint64_t value, std::size_t bytes) {
    const auto room = ring.reserve(bytes);
    if (!room) {
        return false;
    }
    std::memset(room->data(), static_cast<int>(value & 0xffU), room->size());
    std::memcpy(room->data(), &value, sizeof value);
    return true;
}

std::optional<std::uint64_t> pop(SpscRing& ring) {
    const auto record = ring.front();
    if (!record) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    std::memcpy(&value, record->data(), sizeof value);
    for (std::size_t i = sizeof value; i < record->size(); ++i) {
        EXPECT_EQ((*record)[i], static_cast<std::byte>(value & 0xffU));
    }
    ring.pop();
    ring.release();
    return value;
}

TEST(SpscRing, GivesWhatWasPublishedInOrder) {
    SpscRing ring(1024);
    EXPECT_FALSE(ring.publish());
    EXPECT_TRUE(push(ring, 1, 8));
    EXPECT_TRUE(push(ring, 2, 100));
    EXPECT_EQ(pop(ring), std::nullopt) << "not published";
    EXPECT_TRUE(ring.publish());
    EXPECT_EQ(pop(ring), 1U);
    EXPECT_EQ(pop(ring), 2U);
    EXPECT_EQ(pop(ring), std::nullopt);
    EXPECT_EQ(ring.used_bytes(), 0U);
}

TEST(SpscRing, RefusesAndCountsWhatDoesNotFit) {
    SpscRing ring(256);
    std::uint64_t taken = 0;
    while (push(ring, taken, 40)) {
        ++taken;
    }
    EXPECT_EQ(taken, 5U);  // 48 bytes each
    EXPECT_EQ(ring.refused(), 1U);
    EXPECT_FALSE(push(ring, 0, 4096)) << "never fits";
    ring.publish();
    EXPECT_EQ(pop(ring), 0U);
    EXPECT_EQ(pop(ring), 1U);
    EXPECT_TRUE(push(ring, taken, 40)) << "what was read makes room, at the beginning of the block";
}

TEST(SpscRing, RecordsStayWholeAroundTheEnd) {
    SpscRing ring(512);
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    for (int round = 0; round < 1000; ++round) {
        while (push(ring, written, 8 + (written * 37) % 120)) {
            ++written;
        }
        ring.publish();
        for (int i = 0; i < 1 + round % 3; ++i) {
            EXPECT_EQ(pop(ring), read++);
        }
    }
    while (const auto value = pop(ring)) {
        EXPECT_EQ(*value, read++);
    }
    EXPECT_EQ(read, written);
}

TEST(SpscRing, CarriesEveryRecordBetweenTwoThreads) {
    constexpr std::uint64_t kRecords = 200'000;
    SpscRing ring(std::size_t{64} * 1024);
    std::jthread writer([&ring] {
        for (std::uint64_t value = 0; value < kRecords;) {
            if (push(ring, value, 8 + value % 200)) {
                ++value;
            }
            if (value % 16 == 0 || value == kRecords || ring.used_bytes() == 0) {
                ring.publish();
            }
        }
        ring.publish();
    });
    std::uint64_t expected = 0;
    while (expected < kRecords) {
        if (const auto value = pop(ring)) {
            ASSERT_EQ(*value, expected++);
        } else {
            std::this_thread::yield();
        }
    }
}

}  // namespace
}  // namespace isthmus
