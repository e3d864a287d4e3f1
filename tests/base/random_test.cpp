#include "base/random.h"

#include <algorithm>
#include <cctype>

#include <gtest/gtest.h>

namespace isthmus {
namespace {

TEST(SeededRandom, RepeatsItselfForOneSeed) {
    SeededRandom a(7);
    SeededRandom b(7);
    SeededRandom other(8);
    const std::string token = a.next_token(32);
    EXPECT_EQ(token, b.next_token(32));
    EXPECT_NE(token, other.next_token(32));
}

TEST(RandomSource, TokensHaveTheLengthAndAlphabetPromised) {
    SystemRandom random;
    const std::string token = random.next_token(200);
    EXPECT_EQ(token.size(), 200U);
    EXPECT_TRUE(std::ranges::all_of(token, [](unsigned char c) { return std::isalnum(c) != 0; }));
}

}  // namespace
}  // namespace isthmus
