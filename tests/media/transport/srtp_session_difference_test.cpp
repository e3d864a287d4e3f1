// Whatever comes, SrtpSession decides as libsrtp does, and gives the same bytes.
#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "media/transport/srtp_session.h"
#include "tests/media/transport/srtp_hostile_stream.h"
#include "tests/media/transport/srtp_reference.h"
#include "tests/simulator/seed.h"

namespace isthmus::media::transport {
namespace {

class SrtpSessionDifferenceTest
    : public testing::TestWithParam<std::tuple<SrtpEngine, SrtpProfile>> {};

struct Tally {
    std::array<std::size_t, 5> counts{};  // accepted, then by SrtpError

    void add(const SrtpResult& result) {
        ++counts.at(result ? 0 : 1 + static_cast<std::size_t>(result.error()));
    }
};

void expect_same(const SrtpResult& ours, const SrtpResult& theirs, std::size_t number) {
    ASSERT_EQ(ours.has_value(), theirs.has_value())
        << "packet " << number << ", error "
        << static_cast<int>(ours ? theirs.error() : ours.error());
    if (ours) {
        ASSERT_TRUE(std::ranges::equal(*ours, *theirs)) << "packet " << number;
    } else if (ours.error() != SrtpError::kMalformed) {
        // Which of its faults a malformed packet is refused for is not settled.
        ASSERT_EQ(ours.error(), theirs.error()) << "packet " << number;
    }
}

void compare(SrtpHostileStream& stream, SrtpFanout& engine, Tally& tally) {
    SrtpSession session(stream.key(), stream.key(), engine);
    ReferenceSrtpReceiver reference(stream.key());
    for (std::size_t i = 0; i < 4000; ++i) {
        SrtpHostileStream::Packet packet = stream.next();
        std::vector<std::byte> copy = packet.bytes;
        const bool rtp = packet.kind == SrtpPacketKind::kRtp;
        const SrtpResult ours =
            rtp ? session.unprotect_rtp(packet.bytes) : session.unprotect_rtcp(packet.bytes);
        tally.add(ours);
        // libsrtp reads behind what is shorter than a header.
        if (!ours && ours.error() == SrtpError::kMalformed && copy.size() < 40) {
            continue;
        }
        const SrtpResult theirs =
            rtp ? reference.unprotect_rtp(copy) : reference.unprotect_rtcp(copy);
        ASSERT_NO_FATAL_FAILURE(expect_same(ours, theirs, i));
    }
}

// Each seed has keys of its own: what was learnt under one key counts for nothing under the next.
TEST_P(SrtpSessionDifferenceTest, DecidesAsLibsrtp) {
    const auto engine = engine_or_other(std::get<SrtpEngine>(GetParam()));
    Tally tally;
    std::size_t seeds = 0;
    simulator::for_each_seed(4, [&](std::uint64_t seed) {
        SeededRandom random(seed);
        SrtpHostileStream stream(std::get<SrtpProfile>(GetParam()), *engine, random);
        compare(stream, *engine, tally);
        ++seeds;
    });
    // The comparison was about something.
    EXPECT_GT(tally.counts[0], 2000 * seeds);
    EXPECT_GT(tally.counts[1], 100 * seeds);  // malformed
    EXPECT_GT(tally.counts[2], 100 * seeds);  // authentication
    EXPECT_GT(tally.counts[3], 250 * seeds);  // replay
    EXPECT_EQ(tally.counts[4], 0U);
}

INSTANTIATE_TEST_SUITE_P(EveryEngineAndProfile,
                         SrtpSessionDifferenceTest,
                         testing::Combine(testing::Values(SrtpEngine::kOpenSsl,
                                                          SrtpEngine::kIpsecMb),
                                          testing::ValuesIn(kSrtpProfilesByPreference)),
                         [](const auto& suite) { return name_of(suite.param); });

}  // namespace
}  // namespace isthmus::media::transport
