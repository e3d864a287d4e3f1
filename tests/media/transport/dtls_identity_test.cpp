#include "media/transport/dtls_identity.h"

#include <gtest/gtest.h>

namespace isthmus::media::transport {
namespace {

constexpr std::string_view kText =
    "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
    "F0:F1:F2:F3:F4:F5:F6:F7:F8:F9:FA:FB:FC:FD:FE:FF";

[[nodiscard]] std::string of_bytes(std::string name, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
        name += i == 0 ? " 5A" : ":5A";
    }
    return name;
}

TEST(Fingerprint, ReadsAndWritesItsText) {
    const auto fingerprint = Fingerprint::parse(kText);
    ASSERT_TRUE(fingerprint);
    EXPECT_EQ(fingerprint->algorithm, HashAlgorithm::kSha256);
    EXPECT_EQ(fingerprint->digest[10], std::byte{0x0a});
    EXPECT_EQ(fingerprint->digest[31], std::byte{0xff});
    EXPECT_EQ(fingerprint->to_string(), kText);
    for (const auto& [name, bytes] :
         {std::pair("sha-256", 32), std::pair("sha-384", 48), std::pair("sha-512", 64)}) {
        const std::string text = of_bytes(name, static_cast<std::size_t>(bytes));
        ASSERT_TRUE(Fingerprint::parse(text)) << text;
        EXPECT_EQ(Fingerprint::parse(text)->to_string(), text);
    }
}

TEST(Fingerprint, TakesEitherCase) {
    // SPEC rfc8122#5: hash names and digests are case-insensitive for readers.
    std::string lower(kText);
    for (char& c : lower) {
        c = static_cast<char>(std::tolower(c));
    }
    EXPECT_EQ(Fingerprint::parse(lower), Fingerprint::parse(kText));
    EXPECT_TRUE(Fingerprint::parse(of_bytes("SHA-256", 32)));
}

TEST(Fingerprint, RefusesWeakHashesAndWrongLengths) {
    EXPECT_FALSE(Fingerprint::parse(of_bytes("sha-1", 20)));
    EXPECT_FALSE(Fingerprint::parse(of_bytes("md5", 16)));
    EXPECT_FALSE(Fingerprint::parse(of_bytes("sha-256", 31)));
    EXPECT_FALSE(Fingerprint::parse(of_bytes("sha-256", 33)));
    EXPECT_FALSE(Fingerprint::parse(of_bytes("sha-256", 0)));
    EXPECT_FALSE(Fingerprint::parse(""));
    EXPECT_FALSE(Fingerprint::parse("sha-256"));
    for (std::size_t i = 8; i < kText.size(); ++i) {
        std::string text(kText);
        text[i] = 'g';
        EXPECT_FALSE(Fingerprint::parse(text)) << i;
    }
}

TEST(DtlsIdentity, IsAnotherOneEachTime) {
    const auto first = DtlsIdentity::make(kSrtpProfilesByPreference);
    const auto second = DtlsIdentity::make(kSrtpProfilesByPreference);
    ASSERT_TRUE(first && second);
    EXPECT_NE((*first)->fingerprint(), (*second)->fingerprint());
    EXPECT_NE((*first)->context(), nullptr);
}

TEST(DtlsIdentity, NeedsAProfile) {
    const auto identity = DtlsIdentity::make({});
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace isthmus::media::transport
