#include "media/sfu/token_bucket.h"

#include <gtest/gtest.h>

namespace isthmus::media::sfu {
namespace {

Instant at(double seconds) {
    return Instant{} + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

TEST(TokenBucket, LetsASecondsWorthThroughAtOnceAndThenTheRate) {
    TokenBucket bucket(8000);  // 1000 bytes a second
    EXPECT_TRUE(bucket.take(at(10), 1000));
    EXPECT_FALSE(bucket.take(at(10), 1));
    EXPECT_TRUE(bucket.take(at(10.5), 499));
    EXPECT_FALSE(bucket.take(at(10.5), 100));
}

TEST(TokenBucket, DoesNotSaveUpMoreThanASecond) {
    TokenBucket bucket(8000);
    EXPECT_TRUE(bucket.take(at(1), 1));
    EXPECT_FALSE(bucket.take(at(3600), 1001));
    EXPECT_TRUE(bucket.take(at(3600), 1000));
}

TEST(TokenBucket, ZeroMeansNoBound) {
    TokenBucket bucket(0);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(bucket.take(at(0), 1'000'000));
    }
}

}  // namespace
}  // namespace isthmus::media::sfu
