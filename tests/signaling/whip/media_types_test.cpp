#include "signaling/whip/media_types.h"

#include <gtest/gtest.h>

namespace isthmus::signaling::whip {
namespace {

TEST(MediaType, ComparesWithoutCaseAndParameters) {
    EXPECT_TRUE(is_media_type("application/sdp", kSdpType));
    EXPECT_TRUE(is_media_type("Application/SDP ; charset=utf-8", kSdpType));
    EXPECT_FALSE(is_media_type("application/sdpx", kSdpType));
    EXPECT_FALSE(is_media_type("application/sd", kSdpType));
    EXPECT_FALSE(is_media_type("", kSdpType));
    EXPECT_FALSE(is_media_type(";application/sdp", kSdpType));
}

}  // namespace
}  // namespace isthmus::signaling::whip
