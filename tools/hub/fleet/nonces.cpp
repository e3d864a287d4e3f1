#include "tools/hub/fleet/nonces.h"

#include <array>

#include "base/byte_order.h"
#include "control-agent/channel/crypto.h"

namespace isthmus::hub {
namespace {

constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kOpenBytes = 16;  // time and random

std::string tag_of(std::string_view key, std::string_view open) {
    return channel::hmac_sha256(key, open).substr(0, channel::kNonceBytes - kOpenBytes);
}

}  // namespace

std::string issue_nonce(std::string_view key, RandomSource& random, std::int64_t now_unix_s) {
    std::array<std::byte, kTimeBytes> time{};
    store_be64(time.data(), static_cast<std::uint64_t>(now_unix_s));
    std::string open(reinterpret_cast<const char*>(time.data()), time.size());
    open += channel::random_bytes(random, kOpenBytes - kTimeBytes);
    return open + tag_of(key, open);
}

bool is_fresh_nonce(std::string_view key, std::string_view nonce, std::int64_t now_unix_s) {
    if (nonce.size() != channel::kNonceBytes ||
        !channel::equal_secrets(tag_of(key, nonce.substr(0, kOpenBytes)),
                                nonce.substr(kOpenBytes))) {
        return false;
    }
    const auto made =
        static_cast<std::int64_t>(load_be64(reinterpret_cast<const std::byte*>(nonce.data())));
    return made <= now_unix_s + kNonceSeconds && now_unix_s - made <= kNonceSeconds;
}

}  // namespace isthmus::hub
