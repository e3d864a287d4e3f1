#include "media/transport/srtp_unprotect_batch.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/transport/srtp_hostile_stream.h"
#include "tests/media/transport/srtp_reference.h"
#include "tests/simulator/seed.h"

namespace isthmus::media::transport {
namespace {

class SrtpUnprotectBatchTest : public testing::TestWithParam<SrtpEngine> {
  protected:
    std::unique_ptr<SrtpFanout> engine_ = engine_or_other(GetParam());
    SrtpUnprotectBatch batch_{*engine_};
};

// A peer, and two sessions with it: one is given packets in batches, the other one by one.
struct Peer {
    Peer(SrtpProfile profile, SrtpFanout& engine, RandomSource& random)
        : stream(profile, engine, random),
          batched(stream.key(), stream.key(), engine),
          single(stream.key(), stream.key(), engine) {}

    SrtpHostileStream stream;
    SrtpSession batched;
    SrtpSession single;
};

// A batch of up to 149 packets of all peers; returns how many were accepted.
std::size_t compare_batch(std::span<const std::unique_ptr<Peer>> peers,
                          SrtpUnprotectBatch& batch,
                          RandomSource& random) {
    std::vector<Peer*> from;
    std::vector<SrtpHostileStream::Packet> packets;
    for (std::size_t count = random.next_u32() % 150; count > 0; --count) {
        from.push_back(peers[random.next_u32() % peers.size()].get());
        packets.push_back(from.back()->stream.next());
    }
    std::vector<SrtpHostileStream::Packet> copies = packets;
    std::vector<SrtpIncoming> incoming;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        incoming.push_back(
            {.session = &from[i]->batched, .kind = packets[i].kind, .packet = packets[i].bytes});
    }
    batch.unprotect(incoming);
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const SrtpResult expected = copies[i].kind == SrtpPacketKind::kRtp
                                        ? from[i]->single.unprotect_rtp(copies[i].bytes)
                                        : from[i]->single.unprotect_rtcp(copies[i].bytes);
        const SrtpResult& result = incoming[i].result;
        EXPECT_EQ(result.has_value(), expected.has_value()) << i;
        if (result && expected) {
            EXPECT_TRUE(std::ranges::equal(*result, *expected)) << i;
            ++accepted;
        } else if (!result && !expected) {
            EXPECT_EQ(result.error(), expected.error()) << i;
        }
    }
    return accepted;
}

TEST_P(SrtpUnprotectBatchTest, GivesWhatTheSessionsGivePacketByPacket) {
    simulator::for_each_seed(3, [&](std::uint64_t seed) {
        SeededRandom random(seed);
        std::vector<std::unique_ptr<Peer>> peers;
        for (int i = 0; i < 9; ++i) {
            // Every other one in counter mode, for which batches are.
            const SrtpProfile profile = i % 2 == 0
                                            ? SrtpProfile::kAesCm128HmacSha1_80
                                            : kSrtpProfilesByPreference[random.next_u32() % 3];
            peers.push_back(std::make_unique<Peer>(profile, *engine_, random));
        }
        std::size_t accepted = 0;
        for (int i = 0; i < 200; ++i) {
            accepted += compare_batch(peers, batch_, random);
        }
        EXPECT_GT(accepted, 6000U);
    });
}

// The second packet's index is known only once the first has been taken.
TEST_P(SrtpUnprotectBatchTest, FollowsAStreamThatBeginsJustBeforeItsRollOver) {
    SeededRandom random(1);
    const SrtpMasterKey master = random_master(random, SrtpProfile::kAesCm128HmacSha1_80);
    ReferenceSrtpSender sender(master);
    SrtpSession session(master, master, *engine_);
    std::vector<std::vector<std::byte>> packets;
    std::vector<SrtpIncoming> incoming;
    for (std::uint32_t index = 65534; index < 65538; ++index) {
        packets.push_back(sender.protect_rtp(plain_rtp(static_cast<std::uint16_t>(index), 7, 100)));
    }
    for (std::vector<std::byte>& packet : packets) {
        incoming.push_back({.session = &session, .packet = packet});
    }
    batch_.unprotect(incoming);
    for (std::size_t i = 0; i < incoming.size(); ++i) {
        ASSERT_TRUE(incoming[i].result) << i;
        EXPECT_TRUE(std::ranges::equal(*incoming[i].result,
                                       plain_rtp(static_cast<std::uint16_t>(65534 + i), 7, 100)));
    }
}

TEST_P(SrtpUnprotectBatchTest, TakesAPacketThatIsThereTwiceOnce) {
    for (const SrtpProfile profile : kSrtpProfilesByPreference) {
        SeededRandom random(2);
        const SrtpMasterKey master = random_master(random, profile);
        SrtpSession session(master, master, *engine_);
        std::vector<std::byte> first = ReferenceSrtpSender(master).protect_rtp(plain_rtp(9, 7, 50));
        std::vector<std::byte> second = first;
        std::vector<SrtpIncoming> incoming = {{.session = &session, .packet = first},
                                              {.session = &session, .packet = second}};
        batch_.unprotect(incoming);
        EXPECT_TRUE(incoming[0].result);
        EXPECT_EQ(incoming[1].result.error(), SrtpError::kReplay);
    }
}

TEST_P(SrtpUnprotectBatchTest, GoesOnAfterAnEmptyBatch) {
    SeededRandom random(3);
    const SrtpMasterKey master = random_master(random, SrtpProfile::kAesCm128HmacSha1_80);
    SrtpSession session(master, master, *engine_);
    const std::vector<std::byte> plain = plain_rtp(9, 7, 50);
    std::vector<std::byte> packet = ReferenceSrtpSender(master).protect_rtp(plain);
    std::vector<SrtpIncoming> incoming = {{.session = &session, .packet = packet}};
    batch_.unprotect({});
    batch_.unprotect(incoming);
    ASSERT_TRUE(incoming[0].result);
    EXPECT_TRUE(std::ranges::equal(*incoming[0].result, plain));
}

INSTANTIATE_TEST_SUITE_P(EveryEngine,
                         SrtpUnprotectBatchTest,
                         testing::Values(SrtpEngine::kOpenSsl, SrtpEngine::kIpsecMb),
                         [](const auto& suite) {
                             return suite.param == SrtpEngine::kOpenSsl ? "OpenSsl" : "IpsecMb";
                         });

}  // namespace
}  // namespace isthmus::media::transport
