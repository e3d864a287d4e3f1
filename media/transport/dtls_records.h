// A look at DTLS records before OpenSSL sees them.
//
// Some releases of OpenSSL (3.0.19) answer a protected record that is too short for its own tag
// with a fatal alert, and are done with the connection: anybody who can forge a source address
// could end a session. RFC 6347 section 4.1.2.7 asks to drop what is invalid.
#pragma once

#include <cstddef>
#include <span>

namespace isthmus::media::transport {

// Explicit nonce, a byte and tag: nothing that AES-GCM protects is shorter (RFC 5288 section 3).
// Other ciphers are not offered.
inline constexpr std::size_t kProtectedRecordBytesMin = 8 + 1 + 16;

// False where a record of the datagram claims to be protected and is too short for it.
[[nodiscard]] bool has_plausible_records(std::span<const std::byte> datagram);

}  // namespace isthmus::media::transport
