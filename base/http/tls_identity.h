// The certificate that HTTPS listeners show: the operator's, or one that the node makes and signs
// itself on its first start. (DTLS has a certificate of its own: media/transport/dtls_identity.h.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace isthmus::http {

struct TlsIdentity {
    std::string certificate_pem;  // chain, leaf first
    std::string key_pem;
};

// Reads both files and checks that they belong together.
[[nodiscard]] Result<TlsIdentity> load_tls_identity(const std::filesystem::path& certificate,
                                                    const std::filesystem::path& key);

// ECDSA P-256, valid for kSelfSignedDays. `names` are DNS names or IP addresses for the
// subjectAltName; what cannot stand in a certificate is left out.
[[nodiscard]] Result<TlsIdentity> make_self_signed(const std::vector<std::string>& names,
                                                   std::int64_t now_unix_s);

// Takes https.crt and https.key from `directory`, or makes them there (the key with mode 0600)
// where they are absent or run out within kSelfSignedRenewDays.
[[nodiscard]] Result<TlsIdentity> load_or_make_self_signed(const std::filesystem::path& directory,
                                                           const std::vector<std::string>& names,
                                                           std::int64_t now_unix_s);

// localhost, this machine's host name, and the addresses of its interfaces.
[[nodiscard]] std::vector<std::string> local_names();

// "AB:CD:..." SHA-256 of the leaf certificate, for the operator to compare with the browser's.
[[nodiscard]] std::string certificate_fingerprint(const TlsIdentity& identity);

// Browsers refuse more than 398 days from public authorities and some from anybody.
inline constexpr int kSelfSignedDays = 397;
inline constexpr int kSelfSignedRenewDays = 30;

}  // namespace isthmus::http
