#include "control-agent/channel/signing_key.h"

#include <gtest/gtest.h>

namespace isthmus::channel {
namespace {

class SigningKeyTest : public ::testing::Test {
  protected:
    SeededRandom random_{1};
    SigningKey key_ = SigningKey::generate(random_);
};

TEST_F(SigningKeyTest, VerifiesWhatItSigned) {
    const Bytes signature = key_.sign("label", {"one", "two"});
    EXPECT_TRUE(key_.public_key().verify("label", {"one", "two"}, signature));
    EXPECT_FALSE(key_.public_key().verify("other", {"one", "two"}, signature));
    EXPECT_FALSE(key_.public_key().verify("label", {"onet", "wo"}, signature));
    EXPECT_FALSE(
        SigningKey::generate(random_).public_key().verify("label", {"one", "two"}, signature));
}

TEST_F(SigningKeyTest, RefusesSignaturesOfAnotherLength) {
    Bytes signature = key_.sign("label", {});
    EXPECT_FALSE(key_.public_key().verify("label", {}, ""));
    signature += '\0';
    EXPECT_FALSE(key_.public_key().verify("label", {}, signature));
}

TEST_F(SigningKeyTest, ComesBackFromPemAndFromItsSeed) {
    const auto again = SigningKey::from_pem(key_.to_pem());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->public_key(), key_.public_key());
    EXPECT_EQ(SigningKey::from_seed(key_.seed())->public_key(), key_.public_key());
    EXPECT_FALSE(SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\n").has_value());
    EXPECT_FALSE(SigningKey::from_seed("short").has_value());
}

}  // namespace
}  // namespace isthmus::channel
