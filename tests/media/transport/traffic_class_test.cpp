#include "media/transport/traffic_class.h"

#include <gtest/gtest.h>

namespace isthmus::media::transport {
namespace {

TEST(TrafficClass, ReadsNamesAndNumbers) {
    EXPECT_EQ(TrafficClass::parse("EF"), TrafficClass{46});
    EXPECT_EQ(TrafficClass::parse("af41"), TrafficClass{34});
    EXPECT_EQ(TrafficClass::parse("DF"), TrafficClass{0});
    EXPECT_EQ(TrafficClass::parse("CS7"), TrafficClass{56});
    EXPECT_EQ(TrafficClass::parse("0"), TrafficClass{0});
    EXPECT_EQ(TrafficClass::parse("63"), TrafficClass{63});
    for (const char* text : {"", "64", "-1", "EF ", "AF44", "4x", "0x2e", "256", "99999999999"}) {
        EXPECT_EQ(TrafficClass::parse(text), std::nullopt) << text;
    }
}

TEST(TrafficClass, IsReadBackAsItIsWritten) {
    for (std::uint8_t dscp = 0; dscp < 64; ++dscp) {
        const TrafficClass one{dscp};
        EXPECT_EQ(TrafficClass::parse(one.to_string()), one) << one.to_string();
    }
    EXPECT_EQ(TrafficClass{46}.to_string(), "EF");
    EXPECT_EQ(TrafficClass{47}.to_string(), "47");
}

// SPEC rfc2474#3: the upper six bits of the byte.
TEST(TrafficClass, LeavesEcnAlone) {
    EXPECT_EQ(TrafficClass{46}.tos(), 0xB8);
    const auto tos = TrafficMarking{}.tos();
    EXPECT_EQ(tos[static_cast<std::size_t>(TrafficKind::kControl)], 0);
    EXPECT_EQ(tos[static_cast<std::size_t>(TrafficKind::kAudio)], 0xB8);
    EXPECT_EQ(tos[static_cast<std::size_t>(TrafficKind::kVideo)], 0x88);
}

}  // namespace
}  // namespace isthmus::media::transport
