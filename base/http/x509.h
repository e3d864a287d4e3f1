// X.509 certificates: made, read and written as PEM, over OpenSSL. RFC 5280.
//
// For who holds keys: the HTTPS server's own certificate, the hub's authority. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/random.h"

namespace isthmus::http {

template <auto Free>
struct OpensslFreer {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};

using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFreer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFreer<X509_free>>;

struct CertificateContents {
    std::string name;  // the subject's common name
    EVP_PKEY* key = nullptr;
    std::int64_t days = 0;
    // NID_..., and the value as in OpenSSL's configuration files: "critical,CA:FALSE".
    std::vector<std::pair<int, std::string>> extensions;
};

struct CertificateIssuer {
    X509* certificate = nullptr;  // null: it signs itself
    EVP_PKEY* key = nullptr;
    const EVP_MD* digest = nullptr;  // null for Ed25519
};

// Null where OpenSSL refuses. Valid from an hour ago, for machines whose clocks are a little
// behind.
[[nodiscard]] CertificatePtr make_certificate(const CertificateContents& contents,
                                              const CertificateIssuer& issuer,
                                              RandomSource& random,
                                              std::int64_t now_unix_s);

// For NID_subject_alt_name: "DNS:localhost,IP:127.0.0.1". Leaves out what is neither.
[[nodiscard]] std::string alternative_names(const std::vector<std::string>& names);

// Null where it is none, or needs a passphrase.
[[nodiscard]] CertificatePtr parse_certificate(const std::string& pem);
[[nodiscard]] KeyPtr parse_key(const std::string& pem);
[[nodiscard]] std::string write_certificate(X509* certificate);
[[nodiscard]] std::string write_key(EVP_PKEY* key);

}  // namespace isthmus::http
