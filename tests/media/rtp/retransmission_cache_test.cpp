#include "media/rtp/retransmission_cache.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

ExtendedSeq seq(std::int64_t number) {
    return advance(make_extended_seq(1, 0), number);
}

// A packet whose payload tells its number.
Bytes packet_bytes(std::int64_t number, std::size_t payload_bytes = 1000) {
    Bytes payload(payload_bytes, static_cast<std::byte>(number));
    return make_rtp({.seq = static_cast<std::uint16_t>(number), .payload = payload});
}

std::optional<RtpPacketView> store(RetransmissionCache& cache,
                                   Instant now,
                                   std::int64_t number,
                                   std::size_t payload_bytes = 1000) {
    const Bytes bytes = packet_bytes(number, payload_bytes);
    return cache.store(now, seq(number), *RtpPacketView::parse(bytes));
}

bool holds(const RetransmissionCache& cache, Instant now, std::int64_t number) {
    const auto found = cache.find(now, seq(number));
    if (!found) {
        return false;
    }
    EXPECT_EQ(found->seq, static_cast<std::uint16_t>(number));
    EXPECT_TRUE(std::ranges::all_of(
        found->payload, [&](std::byte byte) { return byte == static_cast<std::byte>(number); }));
    return true;
}

TEST(RetransmissionCache, KeepsEveryPartButThePadding) {
    const Bytes bytes = make_rtp({.payload_type = 101,
                                  .marker = true,
                                  .seq = 77,
                                  .timestamp = 0xfffffff1,
                                  .ssrc = 0xabcdef01,
                                  .csrcs = {1, 2},
                                  .extension_profile = 0x1000,
                                  .extension = std::vector<std::byte>(8, std::byte{3}),
                                  .payload = std::vector<std::byte>(5, std::byte{4}),
                                  .padding = 7});
    const RtpPacketView original = *RtpPacketView::parse(bytes);
    RetransmissionCache cache({});
    const auto stored = cache.store(at_ms(0), seq(77), original);
    ASSERT_TRUE(stored);
    for (const auto& view : {*stored, *cache.find(at_ms(1), seq(77))}) {
        EXPECT_EQ(view.payload_type, 101);
        EXPECT_TRUE(view.marker);
        EXPECT_EQ(view.seq, 77);
        EXPECT_EQ(value_of(view.timestamp), 0xfffffff1U);
        EXPECT_EQ(view.ssrc, 0xabcdef01U);
        EXPECT_TRUE(std::ranges::equal(view.csrcs, original.csrcs));
        EXPECT_EQ(view.extension_profile, 0x1000);
        EXPECT_TRUE(std::ranges::equal(view.extension, original.extension));
        EXPECT_TRUE(std::ranges::equal(view.payload, original.payload));
        EXPECT_EQ(view.padding_bytes, 0);
        EXPECT_NE(view.payload.data(), original.payload.data());
    }
}

TEST(RetransmissionCache, FindsOnlyWhatItHas) {
    RetransmissionCache cache({});
    EXPECT_FALSE(cache.find(at_ms(0), seq(0)));
    for (const std::int64_t number : {0, 127, 32767, 65535, 65536}) {
        EXPECT_FALSE(holds(cache, at_ms(0), number));
        ASSERT_TRUE(store(cache, at_ms(0), number));
        EXPECT_TRUE(holds(cache, at_ms(0), number));
    }
    EXPECT_FALSE(cache.find(at_ms(0), seq(127 + 65536)));
}

TEST(RetransmissionCache, StoresAPacketOnce) {
    RetransmissionCache cache({});
    const auto first = store(cache, at_ms(0), 5);
    const auto second = store(cache, at_ms(1), 5);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->payload.data(), second->payload.data());
}

TEST(RetransmissionCache, ForgetsByAge) {
    RetransmissionCache cache({.age = std::chrono::milliseconds(500)});
    ASSERT_TRUE(store(cache, at_ms(0), 1));
    EXPECT_TRUE(holds(cache, at_ms(500), 1));
    EXPECT_FALSE(holds(cache, at_ms(501), 1));
}

// What waited for a receiver's pacer was dropped when it had become too old to be asked for.
TEST(RetransmissionCache, FindsWhatItHoldsHoweverOld) {
    RetransmissionCache cache({.packets = 64, .age = std::chrono::milliseconds(100)});
    store(cache, at_ms(0), 5);
    EXPECT_FALSE(holds(cache, at_ms(500), 5));
    const auto held = cache.find_held(seq(5));
    ASSERT_TRUE(held);
    EXPECT_EQ(held->seq, 5);
    EXPECT_FALSE(cache.find_held(seq(6)));
    store(cache, at_ms(500), 5 + 64);
    EXPECT_FALSE(cache.find_held(seq(5))) << "its place is another's";
}

TEST(RetransmissionCache, ForgetsByCount) {
    RetransmissionCache cache({.packets = 100});  // becomes 128
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(store(cache, at_ms(0), 65000 + i, 100));
    }
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(holds(cache, at_ms(0), 65000 + i), i >= 1000 - 128) << i;
    }
}

TEST(RetransmissionCache, RefusesALatePacketWhoseNewerPlaceIsTaken) {
    RetransmissionCache cache({.packets = 64});
    ASSERT_TRUE(store(cache, at_ms(0), 100));
    EXPECT_FALSE(store(cache, at_ms(0), 36));
    EXPECT_TRUE(holds(cache, at_ms(0), 100));
    EXPECT_TRUE(store(cache, at_ms(0), 37));
}

TEST(RetransmissionCache, ForgetsByBytes) {
    RetransmissionCache cache({.packets = 4096, .bytes = kCacheBytesMin});
    for (int i = 0; i < 2000; ++i) {
        ASSERT_TRUE(store(cache, at_ms(0), i, 1200));
        EXPECT_LE(cache.bytes_held(), kCacheBytesMin);
    }
    int held = 0;
    for (int i = 0; i < 2000; ++i) {
        held += holds(cache, at_ms(0), i) ? 1 : 0;
    }
    // Seven full slabs of 27 packets and what is in the eighth.
    EXPECT_GE(held, 7 * 27);
    EXPECT_LE(held, 8 * 27);
    EXPECT_TRUE(holds(cache, at_ms(0), 1999));
    EXPECT_TRUE(holds(cache, at_ms(0), 2000 - 7 * 27));
}

TEST(RetransmissionCache, KeepsViewsForABatch) {
    RetransmissionCache cache({.packets = 64, .bytes = 0});
    std::vector<RtpPacketView> batch;
    for (int i = 0; i < 5000; ++i) {
        const auto view = store(cache, at_ms(0), i, 1400);
        ASSERT_TRUE(view);
        batch.push_back(*view);
        const auto first = batch.size() > RetransmissionCache::kBatchPackets
                               ? batch.size() - RetransmissionCache::kBatchPackets - 1
                               : 0;
        const RtpPacketView& oldest = batch[first];
        ASSERT_EQ(oldest.payload.front(), static_cast<std::byte>(first));
        ASSERT_EQ(oldest.payload.back(), static_cast<std::byte>(first));
    }
}

TEST(RetransmissionCache, HoldsLittleForAQuietStream) {
    RetransmissionCache cache({});
    EXPECT_EQ(cache.bytes_held(), 0U);
    for (int i = 0; i < 5000; ++i) {  // 50 packets a second
        ASSERT_TRUE(store(cache, at_ms(20L * i), i, 80));
        if (i >= 50) {
            ASSERT_TRUE(holds(cache, at_ms(20L * i), i - 50));
        }
    }
    EXPECT_LE(cache.bytes_held(), 2U * 32 * 1024);
}

TEST(RetransmissionCache, UsesItsSlabsAgainOnASteadyStream) {
    RetransmissionCache cache({});
    std::size_t settled = 0;
    for (int i = 0; i < 20000; ++i) {  // 300 packets a second for a minute
        ASSERT_TRUE(store(cache, at_ms(i * 10L / 3), i, 1100));
        if (i == 2000) {
            settled = cache.bytes_held();
        }
        if (i > 300) {
            ASSERT_TRUE(holds(cache, at_ms(i * 10L / 3), i - 290));
        }
    }
    EXPECT_LE(cache.bytes_held(), settled + 32 * 1024);
}

TEST(RetransmissionCache, GivesMemoryBackWhenTrimmed) {
    RetransmissionCache cache({});
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(store(cache, at_ms(0), i));
    }
    const std::size_t busy = cache.bytes_held();
    cache.trim(at_ms(500));
    EXPECT_EQ(cache.bytes_held(), busy);
    EXPECT_TRUE(holds(cache, at_ms(500), 0));
    cache.trim(at_ms(1001));
    EXPECT_EQ(cache.bytes_held(), 2U * 32 * 1024);
    for (int i = 500; i < 1000; ++i) {
        ASSERT_TRUE(store(cache, at_ms(1001), i));
    }
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(holds(cache, at_ms(1001), i), i >= 500) << i;
    }
}

TEST(RetransmissionCache, TrimsInAnyOrderOfUse) {
    RetransmissionCache cache({});
    int number = 0;
    for (int second = 0; second < 100; ++second) {
        const int packets = (second * 7919) % 400;
        const int first = number;
        for (int i = 0; i < packets; ++i) {
            ASSERT_TRUE(store(cache, at_ms(second * 1500L), number++, 900));
        }
        for (int i = first; i < number; ++i) {
            ASSERT_TRUE(holds(cache, at_ms(second * 1500L), i));
        }
        cache.trim(at_ms(second * 1500L + 1200));
    }
}

TEST(RetransmissionCache, RefusesGiants) {
    RetransmissionCache cache({});
    EXPECT_TRUE(store(cache, at_ms(0), 1, RetransmissionCache::kPacketBytesMax - 12));
    EXPECT_FALSE(store(cache, at_ms(0), 2, RetransmissionCache::kPacketBytesMax - 11));
}

}  // namespace
}  // namespace isthmus::media::rtp
