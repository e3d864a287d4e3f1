#include <array>
#include <string>

#include <gtest/gtest.h>

#include "media/transport/peer_transport.h"
#include "tests/media/transport/stun_builder.h"

namespace isthmus::media::transport {
namespace {

[[nodiscard]] DatagramKind kind_of(int first, int second) {
    const std::array bytes = {static_cast<std::byte>(first), static_cast<std::byte>(second)};
    return classify(bytes);
}

// SPEC rfc7983#7
TEST(Classify, GoesByTheFirstByte) {
    for (int first = 0; first < 256; ++first) {
        const DatagramKind expected = first <= 3                     ? DatagramKind::kStun
                                      : first >= 20 && first <= 63   ? DatagramKind::kDtls
                                      : first >= 128 && first <= 191 ? DatagramKind::kRtp
                                                                     : DatagramKind::kOther;
        EXPECT_EQ(kind_of(first, 96), expected) << first;
    }
}

// SPEC rfc5761#4
TEST(Classify, TellsRtcpFromRtpByTheSecondByte) {
    for (int second = 0; second < 256; ++second) {
        EXPECT_EQ(kind_of(0x80, second),
                  second >= 192 && second <= 223 ? DatagramKind::kRtcp : DatagramKind::kRtp)
            << second;
    }
    EXPECT_EQ(kind_of(0x80, 128 + 111), DatagramKind::kRtp) << "payload type 111 with marker";
}

TEST(Classify, TakesNothingAndOneByteForWhatTheyAre) {
    EXPECT_EQ(classify({}), DatagramKind::kOther);
    const std::array rtp = {std::byte{0x80}};
    EXPECT_EQ(classify(rtp), DatagramKind::kOther);
}

TEST(StunLocalUfrag, IsWhatStandsBeforeTheColon) {
    const auto ufrag = [](const std::string& username) {
        return std::string(stun_local_ufrag(StunBuilder().attribute(0x0006, username).bytes()));
    };
    EXPECT_EQ(ufrag("ours:theirs"), "ours");
    EXPECT_EQ(ufrag("ours:"), "ours");
    EXPECT_EQ(ufrag("a:b:c"), "a");
    EXPECT_EQ(ufrag(":theirs"), "");
    EXPECT_EQ(ufrag("ours"), "");
    EXPECT_EQ(ufrag(""), "");
}

TEST(StunLocalUfrag, IsEmptyWhereThereIsNoWellFormedRequest) {
    EXPECT_EQ(stun_local_ufrag({}), "");
    EXPECT_EQ(stun_local_ufrag(StunBuilder().bytes()), "") << "no USERNAME";
    EXPECT_EQ(stun_local_ufrag(StunBuilder(0x0101).attribute(0x0006, "a:b").bytes()), "")
        << "a response";
    EXPECT_EQ(stun_local_ufrag(StunBuilder(0x0003).attribute(0x0006, "a:b").bytes()), "")
        << "Allocate";
    auto request = StunBuilder().attribute(0x0006, "ours:theirs").bytes();
    for (std::size_t bytes = 0; bytes < request.size(); ++bytes) {
        EXPECT_EQ(stun_local_ufrag(std::span(request).first(bytes)), "") << bytes;
    }
    request[4] ^= std::byte{1};
    EXPECT_EQ(stun_local_ufrag(request), "") << "no magic cookie";
}

}  // namespace
}  // namespace isthmus::media::transport
