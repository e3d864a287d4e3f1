#include "media/rtp/key_frame_requester.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::milliseconds;

int requests_at(KeyFrameRequester& requester, Instant now) {
    requester.handle_timeout(now);
    int requests = 0;
    while (requester.poll_request()) {
        ++requests;
    }
    return requests;
}

TEST(KeyFrameRequester, AsksNothingByItself) {
    KeyFrameRequester requester;
    EXPECT_EQ(requests_at(requester, at_ms(10'000)), 0);
    EXPECT_EQ(requester.next_timeout(), kNever);
}

TEST(KeyFrameRequester, PassesTheFirstWishOnAtOnceAndMergesTheRest) {
    KeyFrameRequester requester;
    int sent = 0;
    for (int i = 0; i < 100; ++i) {
        requester.on_request(at_ms(1000 + i));
        sent += requester.poll_request() ? 1 : 0;
    }
    EXPECT_EQ(sent, 1);
    EXPECT_EQ(requester.wishes(), 100U);
    EXPECT_EQ(requester.requests(), 1U);
    EXPECT_EQ(requester.next_timeout(), at_ms(1300));
}

TEST(KeyFrameRequester, RepeatsUntilTheKeyFrameComes) {
    KeyFrameRequester requester;
    requester.on_request(at_ms(0));
    EXPECT_TRUE(requester.poll_request());
    EXPECT_EQ(requests_at(requester, at_ms(299)), 0);
    EXPECT_EQ(requests_at(requester, at_ms(300)), 1);
    EXPECT_EQ(requests_at(requester, at_ms(600)), 1);
    EXPECT_TRUE(requester.waiting());
    requester.on_key_frame(at_ms(700));
    EXPECT_FALSE(requester.waiting());
    EXPECT_EQ(requester.next_timeout(), kNever);
    EXPECT_EQ(requests_at(requester, at_ms(10'000)), 0);
    EXPECT_EQ(requester.key_frames(), 1U);
}

TEST(KeyFrameRequester, WaitsLongerOnASlowPath) {
    KeyFrameRequester requester;
    requester.on_rtt(milliseconds(400));
    requester.on_request(at_ms(0));
    EXPECT_TRUE(requester.poll_request());
    EXPECT_EQ(requester.next_timeout(), at_ms(600));
    requester.on_rtt(std::chrono::hours(1));
    EXPECT_EQ(requests_at(requester, at_ms(600)), 1);
    EXPECT_EQ(requester.next_timeout(), at_ms(600 + 3000));
}

TEST(KeyFrameRequester, HoldsAWishBackRightAfterAKeyFrame) {
    KeyFrameRequester requester;
    requester.on_key_frame(at_ms(1000));
    requester.on_request(at_ms(1100));
    EXPECT_FALSE(requester.poll_request());
    EXPECT_EQ(requester.next_timeout(), at_ms(1300));
    EXPECT_EQ(requests_at(requester, at_ms(1300)), 1);
}

TEST(KeyFrameRequester, NeverAsksMoreThanItShouldUnderAFlood) {
    KeyFrameRequester requester;
    for (int ms = 0; ms < 10'000; ++ms) {
        requester.on_request(at_ms(ms));
        while (requester.poll_request()) {
        }
        if (ms % 500 == 499) {
            requester.on_key_frame(at_ms(ms));
        }
    }
    EXPECT_LE(requester.requests(), 10'000U / 300 + 1);
    EXPECT_GE(requester.requests(), 20U);
}

}  // namespace
}  // namespace isthmus::media::rtp
