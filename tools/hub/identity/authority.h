// The hub's certificate authority (X.509, Ed25519): certificates for nodes and for the hub's own
// HTTPS listener. RFC 5280, RFC 8410.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http/tls_identity.h"
#include "base/random.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::hub {

inline constexpr int kAuthorityDays = 3650;
inline constexpr int kNodeCertificateDays = 90;
inline constexpr int kServerCertificateDays = 397;  // more, and clients refuse

struct IssuedCertificate {
    std::string pem;
    std::string serial;
    std::int64_t not_after_unix_s = 0;
};

class Authority {
  public:
    // A new authority over `key`, signed by itself.
    [[nodiscard]] static Result<Authority> make(const channel::SigningKey& key,
                                                RandomSource& random,
                                                std::int64_t now_unix_s);

    Authority(channel::SigningKey key, std::string certificate_pem)
        : key_(std::move(key)), certificate_pem_(std::move(certificate_pem)) {}

    [[nodiscard]] const std::string& certificate_pem() const { return certificate_pem_; }

    // CN=node, client authentication.
    [[nodiscard]] Result<IssuedCertificate> issue_node(const std::string& node,
                                                       const channel::PublicKey& key,
                                                       RandomSource& random,
                                                       std::int64_t now_unix_s) const;

    // ECDSA P-256, for TLS clients that do not know Ed25519 keys; the chain ends here.
    [[nodiscard]] Result<http::TlsIdentity> issue_server(const std::vector<std::string>& names,
                                                         RandomSource& random,
                                                         std::int64_t now_unix_s) const;

  private:
    channel::SigningKey key_;
    std::string certificate_pem_;
};

}  // namespace isthmus::hub
