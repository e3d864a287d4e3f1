#include "base/http/tls_identity.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/temporary_folder.h"

namespace isthmus::http {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 86'400;

std::unique_ptr<X509, void (*)(X509*)> parse(const TlsIdentity& identity) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(
        BIO_new_mem_buf(identity.certificate_pem.data(),
                        static_cast<int>(identity.certificate_pem.size())),
        BIO_free);
    return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

class TlsIdentityTest : public testing::Test {
  protected:
    isthmus::TemporaryFolder folder_;
    const fs::path& directory_ = folder_.path();
};

TEST_F(TlsIdentityTest, IsGoodForItsNamesAndNoOthers) {
    const auto identity =
        make_self_signed({"localhost", "127.0.0.1", "2001:db8::1", "bad name,IP:1.2.3.4"}, kNow);
    ASSERT_TRUE(identity);
    const auto certificate = parse(*identity);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "2001:db8::1", 0), 1);
    EXPECT_NE(X509_check_ip_asc(certificate.get(), "1.2.3.4", 0), 1);
    EXPECT_NE(X509_check_host(certificate.get(), "example.org", 0, 0, nullptr), 1);
    EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(certificate.get())), 256);
    std::time_t last_day = kNow + (kSelfSignedDays - 1) * kDay;
    EXPECT_GT(X509_cmp_time(X509_get0_notAfter(certificate.get()), &last_day), 0);
}

TEST_F(TlsIdentityTest, IsMadeOnceAndKeptPrivate) {
    const fs::path state = directory_ / "new" / "state";
    const auto first = load_or_make_self_signed(state, {"localhost"}, kNow);
    ASSERT_TRUE(first);
    EXPECT_EQ(fs::status(state / "https.key").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    const auto second = load_or_make_self_signed(state, {"localhost"}, kNow + kDay);
    ASSERT_TRUE(second);
    EXPECT_EQ(certificate_fingerprint(*first), certificate_fingerprint(*second));
    EXPECT_EQ(certificate_fingerprint(*first).size(), 95U);
}

TEST_F(TlsIdentityTest, IsRenewedBeforeItRunsOut) {
    const auto first = load_or_make_self_signed(directory_, {"localhost"}, kNow);
    const auto kept = load_or_make_self_signed(
        directory_, {"localhost"}, kNow + (kSelfSignedDays - kSelfSignedRenewDays - 1) * kDay);
    const auto renewed = load_or_make_self_signed(
        directory_, {"localhost"}, kNow + (kSelfSignedDays - kSelfSignedRenewDays + 1) * kDay);
    ASSERT_TRUE(first && kept && renewed);
    EXPECT_EQ(certificate_fingerprint(*first), certificate_fingerprint(*kept));
    EXPECT_NE(certificate_fingerprint(*first), certificate_fingerprint(*renewed));
}

TEST_F(TlsIdentityTest, RefusesFilesThatDoNotFit) {
    const auto one = load_or_make_self_signed(directory_ / "a", {"a"}, kNow);
    const auto two = load_or_make_self_signed(directory_ / "b", {"b"}, kNow);
    ASSERT_TRUE(one && two);
    const auto mixed =
        load_tls_identity(directory_ / "a" / "https.crt", directory_ / "b" / "https.key");
    ASSERT_FALSE(mixed);
    EXPECT_TRUE(mixed.error().message.contains("does not belong"));
    EXPECT_EQ(load_tls_identity(directory_ / "no.crt", directory_ / "no.key").error().code,
              ErrorCode::kNotFound);
    std::ofstream(directory_ / "text") << "no certificate";
    const auto text = load_tls_identity(directory_ / "text", directory_ / "a" / "https.key");
    EXPECT_EQ(text.error().code, ErrorCode::kInvalidArgument);
    // Halves of two pairs in the state directory are what a crash leaves: made anew.
    fs::copy_file(directory_ / "b" / "https.key",
                  directory_ / "a" / "https.key",
                  fs::copy_options::overwrite_existing);
    EXPECT_TRUE(load_or_make_self_signed(directory_ / "a", {"a"}, kNow));
}

TEST_F(TlsIdentityTest, SaysWhichDirectoryItCannotWrite) {
    std::ofstream(directory_ / "file") << "in the way";
    const auto failed = load_or_make_self_signed(directory_ / "file", {"a"}, kNow);
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().message.contains("state directory"));
}

TEST(LocalNames, HaveLocalhostFirst) {
    EXPECT_EQ(local_names().at(0), "localhost");
}

}  // namespace
}  // namespace isthmus::http
