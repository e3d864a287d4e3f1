#include "control-agent/channel/enrollment.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/http/base64url.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNow = 1'800'000'000;

class EnrollmentTest : public ::testing::Test {
  protected:
    [[nodiscard]] EnrollmentHello hello() {
        HubTrust trust({code_.fingerprint});
        return *read_hello(
            write_hello(hub_, links_, agent_nonce_, hub_nonce_, kNow), agent_nonce_, trust);
    }

    [[nodiscard]] EnrollmentIdentity node() const {
        return {.name = "node.example",
                .key = &node_,
                .sealing_key = &sealing_,
                .versions = {{"agent", "0.1.0"}}};
    }

    SeededRandom random_{6};
    SigningKey hub_ = SigningKey::generate(random_);
    SigningKey node_ = SigningKey::generate(random_);
    ExchangeKey sealing_ = ExchangeKey::generate(random_);
    std::vector<HubKeyLink> links_ = {{.key = hub_.public_key(), .signature = {}}};
    Bytes agent_nonce_ = random_bytes(random_, kNonceBytes);
    Bytes hub_nonce_ = random_bytes(random_, kNonceBytes);
    EnrollmentCode code_{.url = "https://hub.example:443",
                         .fingerprint = hub_.public_key().fingerprint(),
                         .id = "code1",
                         .secret = random_bytes(random_, kCodeSecretBytes)};
};

TEST_F(EnrollmentTest, PutsEverythingIntoOneWord) {
    const std::string word = write_code(code_);
    const auto read = read_code("  " + word + "\n");
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->url, code_.url);
    EXPECT_EQ(read->fingerprint, code_.fingerprint);
    EXPECT_EQ(read->id, code_.id);
    EXPECT_EQ(read->secret, code_.secret);
}

TEST_F(EnrollmentTest, SaysWhatIsWrongWithACode) {
    const std::string word = write_code(code_);
    EXPECT_TRUE(read_code(word.substr(0, word.size() - 3)).error().message.contains("copy it"));
    EXPECT_FALSE(read_code("").has_value());
    EXPECT_FALSE(read_code(std::string(2000, 'A')).has_value());
    EnrollmentCode plain = code_;
    plain.url = "http://hub.example";
    EXPECT_FALSE(read_code(write_code(plain)).has_value());
    EXPECT_TRUE(read_code(http::encode_base64url(std::string_view(R"({"v":2})")))
                    .error()
                    .message.contains("upgrade"));
}

TEST_F(EnrollmentTest, BelievesTheHubThatTheCodeNames) {
    EXPECT_EQ(hello().nonce, hub_nonce_);
    EXPECT_EQ(hello().unix_s, kNow);
}

TEST_F(EnrollmentTest, BelievesNoOtherHubAndNoOldHello) {
    HubTrust trust({code_.fingerprint});
    const SigningKey stranger = SigningKey::generate(random_);
    const auto other =
        read_hello(write_hello(stranger, {}, agent_nonce_, hub_nonce_, kNow), agent_nonce_, trust);
    EXPECT_TRUE(other.error().message.contains("fingerprint"));
    const std::string recorded = write_hello(hub_, links_, "another nonce", hub_nonce_, kNow);
    EXPECT_EQ(read_hello(recorded, agent_nonce_, trust).error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(read_hello("<html>", agent_nonce_, trust).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(EnrollmentTest, FollowsAHubThatChangedItsKeySinceTheCode) {
    const SigningKey next = SigningKey::generate(random_);
    links_.push_back(link_hub_key(hub_, next.public_key()));
    HubTrust trust({code_.fingerprint});
    EXPECT_TRUE(
        read_hello(write_hello(next, links_, agent_nonce_, hub_nonce_, kNow), agent_nonce_, trust)
            .has_value());
    EXPECT_TRUE(trust.trusts(next.public_key()));
}

TEST_F(EnrollmentTest, ProvesSecretAndKey) {
    const std::string body = write_enroll(code_, hello(), node());
    EXPECT_FALSE(body.contains(http::encode_base64url(code_.secret)));
    const auto request = read_enroll(body);
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->name, "node.example");
    EXPECT_TRUE(proves_secret(*request, code_.secret));
    EXPECT_TRUE(proves_key(*request));
    EXPECT_FALSE(proves_secret(*request, Bytes(kCodeSecretBytes, 'x')));
}

TEST_F(EnrollmentTest, NoticesWhatSomebodyPutIntoTheRequest) {
    json::value body = json::parse(write_enroll(code_, hello(), node()));
    const SigningKey stranger = SigningKey::generate(random_);
    body.at("key") = http::encode_base64url(stranger.public_key().bytes());
    const auto request = read_enroll(json::serialize(body));
    ASSERT_TRUE(request.has_value());
    EXPECT_FALSE(proves_secret(*request, code_.secret));
    EXPECT_FALSE(proves_key(*request));
    body.at("name") = "two\nlines";
    EXPECT_FALSE(read_enroll(json::serialize(body)).has_value());
    EXPECT_FALSE(read_enroll("{}").has_value());
    EXPECT_FALSE(read_enroll(std::string(kEnrollBytesMax + 1, ' ')).has_value());
}

TEST_F(EnrollmentTest, RenewsByProofOfTheKey) {
    const auto request = read_renew(write_renew(node_, hello(), "node-1", "PEM"));
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->node, "node-1");
    EXPECT_TRUE(request->proves(node_.public_key()));
    EXPECT_FALSE(request->proves(hub_.public_key()));
    EXPECT_FALSE(read_renew("[]").has_value());
}

}  // namespace
}  // namespace isthmus::channel
