#include "control-agent/channel/hub_trust.h"

#include <gtest/gtest.h>

namespace isthmus::channel {
namespace {

class HubTrustTest : public ::testing::Test {
  protected:
    SeededRandom random_{3};
    SigningKey first_ = SigningKey::generate(random_);
    SigningKey second_ = SigningKey::generate(random_);
    SigningKey third_ = SigningKey::generate(random_);
    HubTrust trust_{{first_.public_key().fingerprint()}};
    std::vector<HubKeyLink> links_ = {{.key = first_.public_key(), .signature = {}},
                                      link_hub_key(first_, second_.public_key()),
                                      link_hub_key(second_, third_.public_key())};
};

TEST_F(HubTrustTest, FollowsTheLinksFromTheKeyOfTheCode) {
    EXPECT_FALSE(trust_.trusts(third_.public_key()));
    EXPECT_TRUE(trust_.learn(links_));
    EXPECT_TRUE(trust_.trusts(third_.public_key()));
    EXPECT_FALSE(trust_.learn(links_));  // nothing new
    EXPECT_NE(trust_.find(second_.public_key().id()), nullptr);
}

TEST_F(HubTrustTest, BelievesNoKeyThatNoneOfItsOwnSigned) {
    const SigningKey stranger = SigningKey::generate(random_);
    const std::vector<HubKeyLink> forged = {links_[0],
                                            link_hub_key(stranger, stranger.public_key())};
    EXPECT_FALSE(trust_.learn(forged));
    EXPECT_FALSE(trust_.trusts(stranger.public_key()));
    trust_.remember(stranger.public_key());
    EXPECT_EQ(trust_.find(stranger.public_key().id()), nullptr);
}

TEST_F(HubTrustTest, NeedsTheLinkFromAKnownKeyOnwards) {
    EXPECT_FALSE(trust_.learn(std::span(links_).subspan(1)));
    EXPECT_FALSE(trust_.trusts(second_.public_key()));
}

TEST_F(HubTrustTest, ReadsTheListThatItWrites) {
    const auto read = parse_hub_keys(write_hub_keys(links_));
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(trust_.learn(*read));
    EXPECT_FALSE(parse_hub_keys(boost::json::value("x")).has_value());
    EXPECT_FALSE(
        parse_hub_keys(write_hub_keys(std::vector(kHubKeysMax + 1, links_[0]))).has_value());
}

}  // namespace
}  // namespace isthmus::channel
