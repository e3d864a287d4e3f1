// AES-256-GCM (NIST SP 800-38D). A key and a nonce are used for one text, ever.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "control-agent/channel/crypto.h"

namespace isthmus::channel {

inline constexpr std::size_t kGcmKeyBytes = 32;
inline constexpr std::size_t kGcmNonceBytes = 12;  // section 8.2
inline constexpr std::size_t kGcmTagBytes = 16;

// Ciphertext and tag. `context` is authenticated with it and not part of it.
[[nodiscard]] Bytes encrypt_gcm(std::string_view key,
                                std::string_view nonce,
                                std::string_view context,
                                std::string_view text);

// Nothing where the tag does not fit.
[[nodiscard]] std::optional<std::string> decrypt_gcm(std::string_view key,
                                                     std::string_view nonce,
                                                     std::string_view context,
                                                     Bytes box);

}  // namespace isthmus::channel
