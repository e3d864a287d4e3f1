#include "media/transport/srtcp_sender.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/media/transport/srtp_reference.h"

namespace isthmus::media::transport {
namespace {

class SrtcpSenderTest : public testing::TestWithParam<std::tuple<SrtpEngine, SrtpProfile>> {
  protected:
    std::vector<std::byte> protect(SrtcpSender& sender, const std::vector<std::byte>& plain) {
        std::vector<std::byte> buffer = plain;
        buffer.resize(plain.size() + kSrtcpOverheadBytesMax);
        const SrtpResult packet = sender.protect(buffer, plain.size());
        EXPECT_TRUE(packet);
        return packet ? std::vector<std::byte>(packet->begin(), packet->end())
                      : std::vector<std::byte>{};
    }

    SeededRandom random_{4};
    std::unique_ptr<SrtpFanout> engine_ = engine_or_other(std::get<SrtpEngine>(GetParam()));
    SrtpMasterKey master_ = random_master(random_, std::get<SrtpProfile>(GetParam()));
};

TEST_P(SrtcpSenderTest, MatchesLibsrtpForEverySize) {
    SrtcpSender sender(master_, engine_->cipher());
    ReferenceSrtpSender reference(master_);
    for (std::size_t bytes = 8; bytes <= 1400; bytes += bytes < 200 ? 4 : 52) {
        const std::vector<std::byte> plain = plain_rtcp(0xC0FFEE, bytes);
        EXPECT_EQ(protect(sender, plain), reference.protect_rtcp(plain)) << bytes;
    }
}

TEST_P(SrtcpSenderTest, IsUnderstoodByLibsrtpForAllItsSsrcs) {
    SrtcpSender sender(master_, engine_->cipher());
    ReferenceSrtpReceiver receiver(master_);
    for (std::uint32_t i = 0; i < 100; ++i) {
        const std::vector<std::byte> plain = plain_rtcp(1 + i % 7, 8 + std::size_t{4} * (i % 30));
        std::vector<std::byte> packet = protect(sender, plain);
        const SrtpResult read = receiver.unprotect_rtcp(packet);
        ASSERT_TRUE(read) << i;
        EXPECT_TRUE(std::ranges::equal(*read, plain)) << i;
    }
}

// SPEC rfc3711#3.4: the index must not repeat under one key.
TEST_P(SrtcpSenderTest, StopsWhenItsIndicesAreUsedUp) {
    SrtcpSender sender(master_, engine_->cipher(), 0x7FFFFFFEU);
    std::vector<std::byte> buffer = plain_rtcp(1, 28);
    buffer.resize(28 + kSrtcpOverheadBytesMax);
    EXPECT_TRUE(sender.protect(buffer, 28));
    EXPECT_EQ(sender.protect(buffer, 28).error(), SrtpError::kOther);
    EXPECT_EQ(sender.protect(buffer, 28).error(), SrtpError::kOther);
}

INSTANTIATE_TEST_SUITE_P(EveryEngineAndProfile,
                         SrtcpSenderTest,
                         testing::Combine(testing::Values(SrtpEngine::kOpenSsl,
                                                          SrtpEngine::kIpsecMb),
                                          testing::ValuesIn(kSrtpProfilesByPreference)),
                         [](const auto& suite) { return name_of(suite.param); });

}  // namespace
}  // namespace isthmus::media::transport
