#include "control-agent/channel/exchange_key.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace isthmus::channel {
namespace {

namespace json = boost::json;

class ExchangeKeyTest : public ::testing::Test {
  protected:
    SeededRandom random_{2};
    ExchangeKey node_ = ExchangeKey::generate(random_);
    ExchangeKey other_ = ExchangeKey::generate(random_);
};

TEST_F(ExchangeKeyTest, AgreesWithTheOtherSide) {
    EXPECT_EQ(node_.agree(other_.public_key()), other_.agree(node_.public_key()));
    EXPECT_EQ(ExchangeKey::from_pem(node_.to_pem())->public_key(), node_.public_key());
}

TEST_F(ExchangeKeyTest, RefusesAPointThatGivesTheSecretAway) {
    EXPECT_FALSE(node_.agree(*ExchangePublicKey::from_bytes(Bytes(32, '\0'))).has_value());
}

TEST_F(ExchangeKeyTest, OpensWhatWasSealedToItAndNothingElse) {
    const auto sealed = seal_secret(random_, node_.public_key(), "ldap password", "ldap");
    ASSERT_TRUE(sealed.has_value());
    EXPECT_FALSE(json::serialize(*sealed).contains("ldap password"));
    EXPECT_EQ(open_secret(node_, *sealed, "ldap"), "ldap password");
    EXPECT_EQ(open_secret(node_, *sealed, "smtp").error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(open_secret(other_, *sealed, "ldap").error().code, ErrorCode::kPermissionDenied);
    json::value changed = *sealed;
    json::string& box = changed.at("sealed").at("box").as_string();
    box[0] = box[0] == 'A' ? 'B' : 'A';
    EXPECT_EQ(open_secret(node_, changed, "ldap").error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(open_secret(node_, json::value("x")).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ExchangeKeyTest, FindsSecretsAnywhereInAConfiguration) {
    json::value configuration = {{"ldap", {{"host", "ad"}, {"password", nullptr}}},
                                 {"sip", {{{"password", nullptr}}, 1}}};
    configuration.at("ldap").at("password") = *seal_secret(random_, node_.public_key(), "one");
    configuration.at("sip").at(0).at("password") = *seal_secret(random_, node_.public_key(), "two");
    const json::value redacted = redact_secrets(configuration);
    EXPECT_EQ(redacted.at("ldap").at("password"), json::value("(sealed)"));
    EXPECT_EQ(redacted.at("ldap").at("host"), json::value("ad"));
    const auto opened = open_secrets(node_, configuration);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->at("ldap").at("password"), json::value("one"));
    EXPECT_EQ(opened->at("sip").at(0).at("password"), json::value("two"));
    EXPECT_FALSE(open_secrets(other_, configuration).has_value());
}

}  // namespace
}  // namespace isthmus::channel
