#include "tools/hub/identity/totp.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <spdlog/fmt/fmt.h>

#include "base/byte_order.h"
#include "base/check.h"
#include "control-agent/channel/crypto.h"

namespace isthmus::hub {

std::string make_totp_secret(RandomSource& random) {
    return channel::random_bytes(random, kTotpSecretBytes);
}

std::string base32(std::string_view bytes) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::string out;
    unsigned buffer = 0;
    unsigned bits = 0;
    for (const char c : bytes) {
        buffer = (buffer << 8U) | static_cast<unsigned char>(c);
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out += kAlphabet[(buffer >> bits) & 31U];
        }
        buffer &= (1U << bits) - 1;
    }
    if (bits > 0) {
        out += kAlphabet[(buffer << (5 - bits)) & 31U];
    }
    return out;
}

std::string totp_url(std::string_view secret, std::string_view account) {
    std::string name;
    for (const char c : account) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
        name += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return fmt::format("otpauth://totp/Isthmus:{}?secret={}&issuer=Isthmus", name, base32(secret));
}

std::string totp_code(std::string_view secret, std::int64_t step) {
    std::array<std::byte, 8> counter{};
    store_be64(counter.data(), static_cast<std::uint64_t>(step));
    std::array<unsigned char, 20> mac{};
    unsigned size = 0;
    CHECK(HMAC(EVP_sha1(),
               secret.data(),
               static_cast<int>(secret.size()),
               reinterpret_cast<const unsigned char*>(counter.data()),
               counter.size(),
               mac.data(),
               &size) != nullptr);
    // RFC 4226 section 5.3.
    const std::size_t offset = mac.back() & 0x0FU;
    const std::uint32_t number =
        load_be32(reinterpret_cast<const std::byte*>(mac.data() + offset)) & 0x7FFF'FFFFU;
    return fmt::format("{:06}", number % 1'000'000U);
}

std::optional<std::int64_t> check_totp(std::string_view secret,
                                       std::string_view code,
                                       std::int64_t now_unix_s,
                                       std::int64_t last_step) {
    const std::int64_t now = now_unix_s / kTotpStepSeconds;
    for (std::int64_t step = now - 1; step <= now + 1; ++step) {
        if (step > last_step && channel::equal_secrets(totp_code(secret, step), code)) {
            return step;
        }
    }
    return std::nullopt;
}

}  // namespace isthmus::hub
