#include "tools/hub/nats/nkey.h"

#include <cstdint>
#include <optional>

#include "control-agent/channel/signing_key.h"
#include "tools/hub/identity/totp.h"

namespace isthmus::hub {
namespace {

// What the first letters of the text come from, five bits each.
constexpr unsigned kSeedPrefix = 18U << 3U;  // "S"
constexpr unsigned kUserPrefix = 20U << 3U;  // "U"
constexpr std::size_t kSeedBytes = 2 + channel::kKeyBytes + 2;

std::optional<std::string> decode_base32(std::string_view text) {
    std::string out;
    unsigned buffer = 0;
    unsigned bits = 0;
    for (const char c : text) {
        unsigned value = 0;
        if (c >= 'A' && c <= 'Z') {
            value = static_cast<unsigned>(c - 'A');
        } else if (c >= '2' && c <= '7') {
            value = static_cast<unsigned>(c - '2') + 26;
        } else {
            return std::nullopt;
        }
        buffer = (buffer << 5U) | value;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>((buffer >> bits) & 0xffU);
            buffer &= (1U << bits) - 1;
        }
    }
    return buffer == 0 && bits < 5 ? std::optional(out) : std::nullopt;
}

// CRC-16/XMODEM, the low byte first.
std::string crc_of(std::string_view bytes) {
    std::uint32_t crc = 0;
    for (const char c : bytes) {
        crc ^= std::uint32_t{static_cast<unsigned char>(c)} << 8U;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
        }
        crc &= 0xffffU;
    }
    return {static_cast<char>(crc & 0xffU), static_cast<char>(crc >> 8U)};
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const auto begin = text.find_first_not_of(kSpace);
    return begin == std::string_view::npos
               ? std::string_view()
               : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

Result<std::string> user_key_of_seed(std::string_view seed) {
    const auto bytes = decode_base32(trimmed(seed));
    // The seed's prefix and the key's kind share two bytes.
    const std::string prefix = {static_cast<char>(kSeedPrefix | (kUserPrefix >> 5U)),
                                static_cast<char>((kUserPrefix & 31U) << 3U)};
    if (!bytes || bytes->size() != kSeedBytes || !bytes->starts_with(prefix) ||
        crc_of(std::string_view(*bytes).substr(0, kSeedBytes - 2)) !=
            std::string_view(*bytes).substr(kSeedBytes - 2)) {
        return make_error(ErrorCode::kInvalidArgument,
                          "this is no seed of a NATS user; it begins with SU");
    }
    const auto key = channel::SigningKey::from_seed(
        std::string_view(*bytes).substr(prefix.size(), channel::kKeyBytes));
    if (!key) {
        return make_error(ErrorCode::kInvalidArgument, "the seed gives no key");
    }
    std::string open(1, static_cast<char>(kUserPrefix));
    open += key->public_key().bytes();
    return base32(open + crc_of(open));
}

}  // namespace isthmus::hub
