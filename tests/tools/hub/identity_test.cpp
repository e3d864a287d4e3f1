#include <gtest/gtest.h>

#include "control-agent/channel/certificate.h"
#include "tests/temporary_folder.h"
#include "tests/tools/hub/api_under_test.h"
#include "tools/hub/fleet/leases.h"
#include "tools/hub/fleet/nonces.h"
#include "tools/hub/identity/authority.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/identity/password.h"
#include "tools/hub/identity/totp.h"

namespace isthmus::hub {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

// SPEC rfc6238#B: the last six of the eight digits there.
TEST(Totp, ShowsTheCodesOfTheSpecification) {
    const std::string secret = "12345678901234567890";
    EXPECT_EQ(totp_code(secret, 59 / 30), "287082");
    EXPECT_EQ(totp_code(secret, 1111111109 / 30), "081804");
    EXPECT_EQ(totp_code(secret, 2000000000 / 30), "279037");
}

TEST(Totp, TakesTheCodeBeforeAndAfterAndNoneTwice) {
    const std::string secret = "12345678901234567890";
    const std::int64_t step = kNow / kTotpStepSeconds;
    EXPECT_EQ(check_totp(secret, totp_code(secret, step - 1), kNow, 0), step - 1);
    EXPECT_EQ(check_totp(secret, totp_code(secret, step + 1), kNow, 0), step + 1);
    EXPECT_FALSE(check_totp(secret, totp_code(secret, step - 2), kNow, 0).has_value());
    EXPECT_FALSE(check_totp(secret, totp_code(secret, step), kNow, step).has_value());
    EXPECT_FALSE(check_totp(secret, "", kNow, 0).has_value());
}

// SPEC rfc4648#10
TEST(Totp, WritesBase32) {
    EXPECT_EQ(base32("foobar"), "MZXW6YTBOI");
    EXPECT_EQ(base32("fooba"), "MZXW6YTB");
    EXPECT_EQ(base32("f"), "MY");
}

TEST(Password, FitsItsHashAndNoOther) {
    SystemRandom random;
    const std::string hash = hash_password("correct horse battery", random);
    EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    EXPECT_TRUE(password_matches("correct horse battery", hash));
    EXPECT_FALSE(password_matches("correct horse batterz", hash));
    EXPECT_FALSE(password_matches("correct horse battery", "damaged"));
    EXPECT_NE(hash_password("correct horse battery", random), hash);
}

TEST(Password, IsLongAndNotTheName) {
    EXPECT_NE(fault_of_password("short", ""), "");
    EXPECT_NE(fault_of_password("alice-alice-alice", "alice"), "");
    EXPECT_EQ(fault_of_password("correct horse battery", "alice"), "");
}

TEST(MasterKey, OpensWhatItSealedForTheSamePurpose) {
    TemporaryFolder folder;
    SystemRandom random;
    const auto key = MasterKey::load_or_make(folder.path() / "master.key", random);
    ASSERT_TRUE(key.has_value());
    const auto again = MasterKey::load_or_make(folder.path() / "master.key", random);
    const std::string sealed = key->seal(random, "keys:1", "secret");
    EXPECT_EQ(again->open("keys:1", sealed), "secret");
    EXPECT_FALSE(again->open("keys:2", sealed).has_value());
    const auto other = MasterKey::from_text(std::string(43, 'A'));
    EXPECT_EQ(other->open("keys:1", sealed).error().code, ErrorCode::kPermissionDenied);
    EXPECT_FALSE(MasterKey::from_text("short").has_value());
}

TEST(Authority, IssuesCertificatesThatItsOwnersBelieve) {
    SystemRandom random;
    const auto key = channel::SigningKey::generate(random);
    const auto authority = Authority::make(key, random, kNow);
    ASSERT_TRUE(authority.has_value());
    const auto node = channel::SigningKey::generate(random).public_key();
    const auto issued = authority->issue_node("node-1", node, random, kNow);
    ASSERT_TRUE(issued.has_value());
    const std::vector<std::string> authorities = {authority->certificate_pem()};
    const auto read = channel::check_certificate(issued->pem, authorities);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->node, "node-1");
    EXPECT_EQ(read->key, node);
    EXPECT_EQ(read->serial, issued->serial);
    EXPECT_TRUE(read->valid_at(kNow));
    EXPECT_FALSE(read->valid_at(kNow + (kNodeCertificateDays + 1) * 86'400));
    EXPECT_GT(read->renew_at_unix_s(), kNow);

    const auto stranger = Authority::make(channel::SigningKey::generate(random), random, kNow);
    const std::vector<std::string> strangers = {stranger->certificate_pem()};
    EXPECT_EQ(channel::check_certificate(issued->pem, strangers).error().code,
              ErrorCode::kPermissionDenied);
    EXPECT_FALSE(channel::check_certificate("no PEM", authorities).has_value());
    EXPECT_TRUE(authority->issue_server({"localhost", "127.0.0.1"}, random, kNow).has_value());
}

TEST(Nonces, AreKnownForAWhileWithoutMemory) {
    SystemRandom random;
    const std::string nonce = issue_nonce("key", random, kNow);
    EXPECT_TRUE(is_fresh_nonce("key", nonce, kNow + kNonceSeconds));
    EXPECT_FALSE(is_fresh_nonce("key", nonce, kNow + kNonceSeconds + 1));
    EXPECT_FALSE(is_fresh_nonce("other", nonce, kNow));
    std::string changed = nonce;
    changed[7] = static_cast<char>(changed[7] + 1);  // another time
    EXPECT_FALSE(is_fresh_nonce("key", changed, kNow));
    EXPECT_FALSE(is_fresh_nonce("key", "", kNow));
}

TEST(Leases, FenceOffWhoSleptThroughTheEndOfTheirs) {
    ApiUnderTest api;
    const auto done = api.run(nullptr, [&](const Context& at) -> Result<void> {
        Context context = at;
        const auto first = take_lease(context, "house", "one", 1000);
        EXPECT_TRUE(first.has_value());
        EXPECT_FALSE(take_lease(context, "house", "two", 1000).has_value());
        EXPECT_EQ(take_lease(context, "house", "one", 1000), first);  // held on
        context.now_ms += 2000;
        const auto second = take_lease(context, "house", "two", 1000);
        EXPECT_GT(*second, *first);
        // The first wakes up and believes that it still has it.
        EXPECT_FALSE(holds_lease(context, "house", *first));
        EXPECT_TRUE(holds_lease(context, "house", *second));
        give_lease_back(context, "house", *second);
        context.now_ms += 1;
        EXPECT_GT(*take_lease(context, "house", "one", 1000), *second);
        return {};
    });
    EXPECT_TRUE(done.has_value());
}

}  // namespace
}  // namespace isthmus::hub
