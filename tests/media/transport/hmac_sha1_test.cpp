#include "media/transport/hmac_sha1.h"

#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include "base/random.h"
#include "tests/media/transport/hex.h"

namespace isthmus::media::transport {
namespace {

// SPEC rfc2202#3 test case 1: a key of 20 bytes.
TEST(HmacSha1, GivesTheVectorOfRfc2202) {
    std::array<std::byte, kSha1Bytes> key{};
    key.fill(std::byte{0x0B});
    std::array<std::byte, 8> message{};
    std::memcpy(message.data(), "Hi There", message.size());
    std::array<std::byte, kSha1Bytes> digest{};
    HmacSha1(key).digest(message, digest);
    EXPECT_EQ(to_hex(digest), "b617318655057264e28bc0b6fb378c8ef146be00");
}

TEST(HmacSha1, MatchesOpenSslForEveryLength) {
    SeededRandom random(3);
    std::array<std::byte, kSha1Bytes> key{};
    random.fill(key);
    const HmacSha1 hmac(key);
    for (std::size_t bytes = 0; bytes < 300; ++bytes) {
        std::vector<std::byte> message(bytes);
        random.fill(message);
        std::array<std::byte, kSha1Bytes> digest{};
        hmac.digest(message, digest);
        std::array<std::byte, kSha1Bytes> expected{};
        unsigned size = 0;
        ASSERT_NE(HMAC(EVP_sha1(),
                       key.data(),
                       static_cast<int>(key.size()),
                       reinterpret_cast<const unsigned char*>(message.data()),
                       message.size(),
                       reinterpret_cast<unsigned char*>(expected.data()),
                       &size),
                  nullptr);
        ASSERT_EQ(digest, expected) << bytes;
    }
}

}  // namespace
}  // namespace isthmus::media::transport
