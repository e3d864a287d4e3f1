#include "media/transport/run_padding.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "media/transport/datagram.h"
#include "media/transport/segmentation.h"

namespace isthmus::media::transport {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<int> plan(const std::vector<int>& sizes, const std::vector<int>& rigid = {}) {
    std::vector<RunPacket> packets;
    for (const int size : sizes) {
        packets.push_back({.bytes = static_cast<std::uint16_t>(size)});
    }
    for (const int place : rigid) {
        packets[static_cast<std::size_t>(place)].may_pad = false;
    }
    RunPadding::plan(packets);
    std::vector<int> padding;
    for (const RunPacket& packet : packets) {
        padding.push_back(packet.padding_bytes);
    }
    return padding;
}

// As UdpSender finds them.
std::size_t messages(const std::vector<int>& sizes) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < sizes.size(); ++count) {
        const int segment = sizes[i];
        std::size_t end = i + 1;
        while (end < sizes.size() && end - i < kSegmentsMax && sizes[end] <= segment &&
               sizes[end - 1] == segment) {
            ++end;
        }
        i = end;
    }
    return count;
}

TEST(RunPadding, LeavesEqualPacketsAlone) {
    EXPECT_THAT(plan(std::vector<int>(20, 1200)), Each(0));
    EXPECT_THAT(plan({}), ElementsAre());
    EXPECT_THAT(plan({500}), ElementsAre(0));
}

TEST(RunPadding, MakesOneRunOfAFrameWhoseLaterPacketsAreAByteLonger) {
    EXPECT_THAT(plan({1112, 1112, 1112, 1113, 1113}), ElementsAre(1, 1, 1, 0, 0));
}

TEST(RunPadding, LeavesTheLastOfARunShorter) {
    EXPECT_THAT(plan({1200, 1200, 300}), ElementsAre(0, 0, 0));
    EXPECT_THAT(plan({1200, 1150, 700}), ElementsAre(0, 50, 0));
}

TEST(RunPadding, JoinsFramesThatAreNearlyAlike) {
    EXPECT_THAT(plan({1200, 1200, 1190, 1200, 1200}), ElementsAre(0, 0, 10, 0, 0));
}

TEST(RunPadding, DoesNotPadMuch) {
    EXPECT_THAT(plan({1000, 1200, 1000, 1200}), ElementsAre(0, 0, 0, 0));
    EXPECT_THAT(plan({1200, 300, 1200, 300}), ElementsAre(0, 0, 0, 0));
    // 60 of 2060 bytes are under three per cent, 70 of 2070 are over.
    EXPECT_THAT(plan({1000, 1060}), ElementsAre(60, 0));
    EXPECT_THAT(plan({1000, 1070}), ElementsAre(0, 0));
}

// SPEC rfc3550#5.1: the count is one byte.
TEST(RunPadding, NeverAsksForMoreThan255Bytes) {
    std::vector<int> sizes(60, 1300);
    sizes.front() = 1300 - 256;
    EXPECT_EQ(plan(sizes).front(), 0);
    sizes.front() = 1300 - 255;
    // The first runs out of budget before the others can pay for it.
    EXPECT_EQ(plan(sizes).front(), 0);
    sizes = std::vector<int>(12, 1300);
    sizes.insert(sizes.end(), {1300 - 255, 1300});
    EXPECT_EQ(plan(sizes)[12], 255);
    sizes[12] = 1300 - 256;
    EXPECT_EQ(plan(sizes)[12], 0);
}

TEST(RunPadding, LeavesRigidPacketsAsTheyAre) {
    EXPECT_THAT(plan({1112, 1112, 1113, 1113}, {1}), ElementsAre(0, 0, 0, 0));
    // One that is as long as the others, or the last, is no hindrance.
    EXPECT_THAT(plan({1112, 1113, 1112, 1113}, {1}), ElementsAre(1, 0, 1, 0));
    EXPECT_THAT(plan({1112, 1113, 1000}, {2}), ElementsAre(1, 0, 0));
}

TEST(RunPadding, EndsARunWhereAMessageIsFull) {
    std::vector<int> sizes(65, 100);
    sizes[64] = 101;
    EXPECT_THAT(plan(sizes), Each(0));
    // 43 packets of 1500 bytes are a message's 65000 bytes.
    sizes = std::vector<int>(44, 1499);
    sizes[43] = 1500;
    EXPECT_THAT(plan(sizes), Each(0));
}

TEST(RunPadding, KeepsItsPromisesForWhateverComes) {
    SeededRandom random(8);
    const auto below = [&](int limit) {
        return static_cast<int>(random.next_u32() % static_cast<std::uint32_t>(limit));
    };
    std::size_t before = 0;
    std::size_t after = 0;
    for (int round = 0; round < 2000; ++round) {
        std::vector<int> sizes;
        std::vector<int> rigid;
        const int base = 50 + below(1400);
        for (int i = below(150); i > 0; --i) {
            if (below(40) == 0) {
                rigid.push_back(static_cast<int>(sizes.size()));
            }
            sizes.push_back(below(10) == 0 ? 50 + below(1400) : base + below(4));
        }
        const std::vector<int> padding = plan(sizes, rigid);
        std::vector<int> padded = sizes;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            padded[i] += padding[i];
        }
        for (const int place : rigid) {
            ASSERT_EQ(padding[static_cast<std::size_t>(place)], 0);
        }
        const int total = std::accumulate(sizes.begin(), sizes.end(), 0);
        ASSERT_LE(std::accumulate(padding.begin(), padding.end(), 0) * 100, total * 3);
        if (!sizes.empty()) {
            ASSERT_LE(std::ranges::max(padded), std::ranges::max(sizes));
        }
        ASSERT_LE(messages(padded), messages(sizes));
        before += messages(sizes);
        after += messages(padded);
    }
    EXPECT_LT(after * 2, before);
}

}  // namespace
}  // namespace isthmus::media::transport
