// Passwords: Argon2id (RFC 9106), and what may be one. Slow on purpose: HashThread runs them.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace isthmus::hub {

inline constexpr std::size_t kPasswordBytesMin = 12;
inline constexpr std::size_t kPasswordBytesMax = 512;

// RFC 9106 section 4, second recommendation, with less time and memory for a small machine: OWASP's
// first choice for Argon2id is 19 MiB, two passes, one lane.
inline constexpr unsigned kArgonPasses = 2;
inline constexpr unsigned kArgonKib = 19 * 1024;

// "$argon2id$v=19$m=..,t=..,p=..$salt$hash".
[[nodiscard]] std::string hash_password(std::string_view password, RandomSource& random);
[[nodiscard]] bool password_matches(std::string_view password, const std::string& hash);

// 32 bytes out of a passphrase, for sealing; Argon2id with the same cost.
[[nodiscard]] std::string derive_key(std::string_view passphrase, std::string_view salt);

// What is wrong with it as a sentence, else empty.
[[nodiscard]] std::string fault_of_password(std::string_view password, std::string_view name);

}  // namespace isthmus::hub
