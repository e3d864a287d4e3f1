// How a DTLS peer's certificate is judged: by its fingerprint alone (RFC 8122 section 5).
#pragma once

#include <optional>

#include "media/transport/dtls_identity.h"

using X509 = struct x509_st;
// NOLINTNEXTLINE(readability-identifier-naming): OpenSSL's name
using X509_STORE_CTX = struct x509_store_ctx_st;

namespace isthmus::media::transport {

// Nothing where OpenSSL refuses to hash.
[[nodiscard]] std::optional<Fingerprint> fingerprint_of(X509* certificate, HashAlgorithm algorithm);

// OpenSSL's callback of every DtlsIdentity's context: 1 accepts. The SSL object's application data
// is its DtlsPeerCheck.
int verify_dtls_peer(X509_STORE_CTX* store, void* unused);

struct DtlsPeerCheck {
    Fingerprint promised;  // by the SDP
    bool matched = false;
    bool mismatched = false;
};

}  // namespace isthmus::media::transport
