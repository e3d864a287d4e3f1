// Nonces that need no memory: who asks for a thousand costs nothing, and any instance of the hub
// knows one that another gave out. 8 bytes of time, 8 random, 16 of HMAC.
//
// One may be used more than once while it lasts. That is harmless: a code is good once, and a
// renewal that is repeated gives the same node a certificate over the same key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"

namespace isthmus::hub {

inline constexpr std::int64_t kNonceSeconds = 300;

[[nodiscard]] std::string issue_nonce(std::string_view key,
                                      RandomSource& random,
                                      std::int64_t now_unix_s);
[[nodiscard]] bool is_fresh_nonce(std::string_view key,
                                  std::string_view nonce,
                                  std::int64_t now_unix_s);

}  // namespace isthmus::hub
