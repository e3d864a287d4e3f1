#include "media/transport/srtp_session.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "base/random.h"
#include "tests/media/transport/srtp_reference.h"

namespace isthmus::media::transport {
namespace {

constexpr std::uint32_t kSsrc = 0xCAFEBABE;
constexpr std::size_t kSrtcpIndexBytes = 4;

class SrtpSessionTest : public testing::TestWithParam<std::tuple<SrtpEngine, SrtpProfile>> {
  protected:
    SrtpSessionTest()
        : engine_(engine_or_other(std::get<SrtpEngine>(GetParam()))),
          remote_(random_master(random_, profile())),
          local_(random_master(random_, profile())),
          peer_(remote_),
          session_(remote_, local_, *engine_) {}

    [[nodiscard]] static SrtpProfile profile() { return std::get<SrtpProfile>(GetParam()); }

    std::vector<std::byte> protected_rtp(std::uint16_t sequence,
                                         std::uint32_t ssrc = kSsrc,
                                         std::size_t payload_bytes = 100) {
        return peer_.protect_rtp(plain_rtp(sequence, ssrc, payload_bytes));
    }

    std::expected<std::size_t, SrtpError> unprotect(std::vector<std::byte> packet) {
        const auto plain = session_.unprotect_rtp(packet);
        if (!plain) {
            return std::unexpected(plain.error());
        }
        return plain->size();
    }

    SeededRandom random_{20260101};
    std::unique_ptr<SrtpFanout> engine_;
    SrtpMasterKey remote_;
    SrtpMasterKey local_;
    ReferenceSrtpSender peer_;
    SrtpSession session_;
};

TEST_P(SrtpSessionTest, GivesBackWhatThePeerSent) {
    for (const std::size_t payload_bytes : {0U, 1U, 15U, 16U, 17U, 160U, 1200U, 1400U}) {
        const auto sequence = static_cast<std::uint16_t>(payload_bytes);
        const std::vector<std::byte> plain = plain_rtp(sequence, kSsrc, payload_bytes);
        std::vector<std::byte> packet = peer_.protect_rtp(plain);
        ASSERT_EQ(packet.size(), plain.size() + sizes_of(profile()).tag_bytes);
        const auto result = session_.unprotect_rtp(packet);
        ASSERT_TRUE(result);
        EXPECT_TRUE(std::ranges::equal(*result, plain));
        EXPECT_EQ(result->data(), packet.data());
    }
}

TEST_P(SrtpSessionTest, TakesCsrcsAndExtensionsAsTheyAre) {
    std::vector<std::byte> plain = plain_rtp(7, kSsrc, 4 * 3 + 8 + 50);
    plain[0] = std::byte{0x93};  // three CSRCs and an extension block
    store_be16(plain.data() + 24, 0xBEDE);
    store_be16(plain.data() + 26, 1);
    std::vector<std::byte> packet = peer_.protect_rtp(plain);
    EXPECT_TRUE(std::equal(plain.begin(), plain.begin() + 32, packet.begin()));
    const auto result = session_.unprotect_rtp(packet);
    ASSERT_TRUE(result);
    EXPECT_TRUE(std::ranges::equal(*result, plain));
}

TEST_P(SrtpSessionTest, RefusesAPacketThatItHasSeen) {
    const std::vector<std::byte> packet = protected_rtp(1000);
    ASSERT_TRUE(unprotect(packet));
    EXPECT_EQ(unprotect(packet), std::unexpected(SrtpError::kReplay));
    ASSERT_TRUE(unprotect(protected_rtp(1001)));
    EXPECT_EQ(unprotect(packet), std::unexpected(SrtpError::kReplay));
}

TEST_P(SrtpSessionTest, TakesLatePacketsWithinTheWindowOnly) {
    std::vector<std::vector<std::byte>> packets;
    for (std::uint16_t sequence = 2000; sequence <= 3100; ++sequence) {
        packets.push_back(protected_rtp(sequence));
    }
    ASSERT_TRUE(unprotect(packets.back()));
    // SPEC rfc3711#3.3.2
    EXPECT_TRUE(unprotect(packets[packets.size() - 1 - 512]));
    EXPECT_TRUE(unprotect(packets[packets.size() - 1 - 1023]));
    EXPECT_EQ(unprotect(packets[packets.size() - 1 - 1024]), std::unexpected(SrtpError::kReplay));
    EXPECT_EQ(unprotect(packets.front()), std::unexpected(SrtpError::kReplay));
}

TEST_P(SrtpSessionTest, FollowsTheRollOverCounterInAnyOrder) {
    std::vector<std::vector<std::byte>> packets;
    for (std::uint32_t sequence = 65500; sequence < 65600; ++sequence) {
        packets.push_back(protected_rtp(static_cast<std::uint16_t>(sequence)));
    }
    for (std::size_t i = 0; i + 1 < packets.size(); i += 2) {
        EXPECT_TRUE(unprotect(packets[i + 1])) << i;
        EXPECT_TRUE(unprotect(packets[i])) << i;
    }
    EXPECT_EQ(unprotect(packets[35]), std::unexpected(SrtpError::kReplay));
    EXPECT_EQ(unprotect(packets[36]), std::unexpected(SrtpError::kReplay));
}

TEST_P(SrtpSessionTest, RefusesEveryChangedByte) {
    const std::vector<std::byte> packet = protected_rtp(5, kSsrc, 20);
    for (std::size_t i = 0; i < packet.size(); ++i) {
        std::vector<std::byte> forged = packet;
        forged[i] ^= std::byte{0x40};
        EXPECT_FALSE(unprotect(forged)) << "byte " << i;
    }
    // None of the forgeries moved the replay window.
    EXPECT_TRUE(unprotect(packet));
}

TEST_P(SrtpSessionTest, CallsAWrongTagAnAuthenticationFailure) {
    std::vector<std::byte> packet = protected_rtp(5);
    packet.back() ^= std::byte{1};
    EXPECT_EQ(unprotect(packet), std::unexpected(SrtpError::kAuthentication));
    packet = protected_rtp(6);
    packet[20] ^= std::byte{1};
    EXPECT_EQ(unprotect(packet), std::unexpected(SrtpError::kAuthentication));
}

TEST_P(SrtpSessionTest, RefusesAForeignKey) {
    ReferenceSrtpSender stranger(random_master(random_, profile()));
    EXPECT_EQ(unprotect(stranger.protect_rtp(plain_rtp(1, kSsrc, 100))),
              std::unexpected(SrtpError::kAuthentication));
    std::vector<std::byte> rtcp = stranger.protect_rtcp(plain_rtcp(kSsrc, 28));
    EXPECT_EQ(session_.unprotect_rtcp(rtcp).error(), SrtpError::kAuthentication);
}

TEST_P(SrtpSessionTest, RefusesEveryTruncation) {
    const std::vector<std::byte> packet = protected_rtp(5, kSsrc, 20);
    const std::size_t least = 12 + sizes_of(profile()).tag_bytes;
    for (std::size_t size = 0; size < packet.size(); ++size) {
        const auto result = unprotect({packet.begin(), packet.begin() + static_cast<int>(size)});
        ASSERT_FALSE(result) << size;
        EXPECT_EQ(result.error(), size < least ? SrtpError::kMalformed : SrtpError::kAuthentication)
            << size;
    }
}

TEST_P(SrtpSessionTest, RefusesAHeaderThatIsLongerThanThePacket) {
    std::vector<std::byte> packet = protected_rtp(5, kSsrc, 20);
    packet[0] = std::byte{0x8F};  // 15 CSRCs
    EXPECT_EQ(unprotect(packet), std::unexpected(SrtpError::kMalformed));
    packet[0] = std::byte{0x90};  // an extension block of 65535 words
    store_be16(packet.data() + 14, 0xFFFF);
    EXPECT_EQ(unprotect(packet), std::unexpected(SrtpError::kMalformed));
    packet[0] = std::byte{0x40};  // version 1
    EXPECT_EQ(unprotect(packet), std::unexpected(SrtpError::kMalformed));
    std::vector<std::byte> huge(65536, std::byte{0x80});
    EXPECT_EQ(unprotect(huge), std::unexpected(SrtpError::kMalformed));
}

TEST_P(SrtpSessionTest, SurvivesNoise) {
    for (std::size_t size = 0; size < 200; ++size) {
        std::vector<std::byte> noise(size);
        random_.fill(noise);
        if (size > 0) {
            noise[0] = (noise[0] & std::byte{0x3F}) | std::byte{0x80};
        }
        EXPECT_FALSE(unprotect(noise));
        EXPECT_FALSE(session_.unprotect_rtcp(noise));
    }
}

TEST_P(SrtpSessionTest, KeepsStreamsApart) {
    for (std::uint32_t ssrc = 1; ssrc <= 50; ++ssrc) {
        EXPECT_TRUE(unprotect(protected_rtp(500, ssrc)));
    }
    for (std::uint32_t ssrc = 1; ssrc <= 50; ++ssrc) {
        EXPECT_TRUE(unprotect(protected_rtp(501, ssrc)));
    }
}

TEST_P(SrtpSessionTest, ForgetsTheStreamThatWasSilentLongest) {
    const std::vector<std::byte> busy = protected_rtp(1, 1);
    const std::vector<std::byte> idle = protected_rtp(1, 2);
    ASSERT_TRUE(unprotect(busy));
    ASSERT_TRUE(unprotect(idle));
    std::uint16_t sequence = 2;
    for (std::uint32_t ssrc = 3; ssrc < 303; ++ssrc) {
        ASSERT_TRUE(unprotect(protected_rtp(1, ssrc)));
        ASSERT_TRUE(unprotect(protected_rtp(sequence++, 1)));
    }
    EXPECT_EQ(unprotect(busy), std::unexpected(SrtpError::kReplay));
    // Its replay window is gone, so it is new again: memory is bounded.
    EXPECT_TRUE(unprotect(idle));
}

TEST_P(SrtpSessionTest, ReadsTheRtcpOfThePeerOnce) {
    const std::vector<std::byte> plain = plain_rtcp(kSsrc, 28);
    const std::vector<std::byte> first = peer_.protect_rtcp(plain);
    const std::vector<std::byte> second = peer_.protect_rtcp(plain);
    EXPECT_NE(first, second);
    for (const std::vector<std::byte>& sent : {second, first}) {
        std::vector<std::byte> packet = sent;
        const auto result = session_.unprotect_rtcp(packet);
        ASSERT_TRUE(result);
        EXPECT_TRUE(std::ranges::equal(*result, plain));
    }
    std::vector<std::byte> again = first;
    EXPECT_EQ(session_.unprotect_rtcp(again).error(), SrtpError::kReplay);
}

TEST_P(SrtpSessionTest, RefusesForgedAndTruncatedRtcp) {
    const std::vector<std::byte> packet = peer_.protect_rtcp(plain_rtcp(kSsrc, 28));
    for (std::size_t i = 0; i < packet.size(); ++i) {
        std::vector<std::byte> forged = packet;
        forged[i] ^= std::byte{0x80};
        EXPECT_FALSE(session_.unprotect_rtcp(forged)) << "byte " << i;
    }
    for (std::size_t size = 0; size < packet.size(); ++size) {
        std::vector<std::byte> cut(packet.begin(), packet.begin() + static_cast<int>(size));
        EXPECT_FALSE(session_.unprotect_rtcp(cut)) << size;
    }
    std::vector<std::byte> whole = packet;
    EXPECT_TRUE(session_.unprotect_rtcp(whole));
}

TEST_P(SrtpSessionTest, NumbersItsOwnRtcpAndThePeerReadsIt) {
    SrtpSession peer(local_, remote_, *engine_);
    const std::vector<std::byte> plain = plain_rtcp(42, 28);
    for (std::uint32_t index = 1; index <= 3; ++index) {
        std::vector<std::byte> buffer = plain;
        buffer.resize(plain.size() + kSrtcpOverheadBytesMax);
        const auto packet = session_.protect_rtcp(buffer, plain.size());
        ASSERT_TRUE(packet);
        ASSERT_EQ(packet->size(), plain.size() + sizes_of(profile()).tag_bytes + kSrtcpIndexBytes);
        // SPEC rfc3711#3.4 SPEC rfc7714#9.1: the index ends an AEAD packet, and comes before the
        // tag of the others; its top bit says that the packet is encrypted.
        const bool aead = profile() != SrtpProfile::kAesCm128HmacSha1_80;
        const std::size_t from_end = kSrtcpIndexBytes + (aead ? 0 : sizes_of(profile()).tag_bytes);
        const std::uint32_t word = load_be32(packet->data() + packet->size() - from_end);
        EXPECT_EQ(word & 0x80000000U, 0x80000000U);
        EXPECT_EQ(word & 0x7FFFFFFFU, index);
        const auto read = peer.unprotect_rtcp(*packet);
        ASSERT_TRUE(read);
        EXPECT_TRUE(std::ranges::equal(*read, plain));
    }
}

TEST_P(SrtpSessionTest, WillNotProtectWhatIsNoRtcp) {
    std::vector<std::byte> buffer(64);
    EXPECT_EQ(session_.protect_rtcp(buffer, 7).error(), SrtpError::kMalformed);
}

INSTANTIATE_TEST_SUITE_P(EveryEngineAndProfile,
                         SrtpSessionTest,
                         testing::Combine(testing::Values(SrtpEngine::kOpenSsl,
                                                          SrtpEngine::kIpsecMb),
                                          testing::ValuesIn(kSrtpProfilesByPreference)),
                         [](const auto& suite) { return name_of(suite.param); });

}  // namespace
}  // namespace isthmus::media::transport
