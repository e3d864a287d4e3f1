#include "control-agent/channel/crypto.h"

#include <string>

#include <gtest/gtest.h>

namespace isthmus::channel {
namespace {

Bytes from_hex(std::string_view hex) {
    Bytes out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return out;
}

// RFC 5869 appendix A.1.
TEST(Crypto, DerivesTheKeysOfTheSpecification) {
    EXPECT_EQ(hkdf_sha256(Bytes(22, '\x0b'),
                          from_hex("000102030405060708090a0b0c"),
                          from_hex("f0f1f2f3f4f5f6f7f8f9"),
                          42),
              from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                       "34007208d5b887185865"));
}

// RFC 4231 section 4.3.
TEST(Crypto, AuthenticatesAsTheSpecificationDoes) {
    EXPECT_EQ(hmac_sha256("Jefe", "what do ya want for nothing?"),
              from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
}

TEST(Crypto, KeepsFieldsOfAStatementApart) {
    EXPECT_NE(statement("a", {"bc", "d"}), statement("a", {"b", "cd"}));
    EXPECT_NE(statement("a", {"b"}), statement("a", {"b", ""}));
    EXPECT_EQ(statement("a", {"b"}), std::string("a\0\0\0\0\1b", 7));
}

}  // namespace
}  // namespace isthmus::channel
