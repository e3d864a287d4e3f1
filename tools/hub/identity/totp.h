// One-time codes of an authenticator: RFC 6238 with SHA-1, 30 s and six digits, which is what all
// authenticators know.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace isthmus::hub {

inline constexpr std::int64_t kTotpStepSeconds = 30;
inline constexpr std::size_t kTotpSecretBytes = 20;  // RFC 4226 section 4, R6

[[nodiscard]] std::string make_totp_secret(RandomSource& random);  // raw
[[nodiscard]] std::string base32(std::string_view bytes);          // RFC 4648 section 6, unpadded
// What an authenticator's QR code says.
[[nodiscard]] std::string totp_url(std::string_view secret, std::string_view account);

[[nodiscard]] std::string totp_code(std::string_view secret, std::int64_t step);

// The step that the code belongs to: now, the one before or the one after (section 5.2), and later
// than `last_step`, for each is good once. Nothing otherwise.
[[nodiscard]] std::optional<std::int64_t> check_totp(std::string_view secret,
                                                     std::string_view code,
                                                     std::int64_t now_unix_s,
                                                     std::int64_t last_step);

}  // namespace isthmus::hub
