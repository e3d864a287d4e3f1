#include "media/transport/dtls_identity.h"

#include <algorithm>
#include <cctype>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "media/transport/dtls_verify.h"

namespace isthmus::media::transport {
namespace {

// WebRTC clients never look at the dates; the node may run for long.
constexpr long kCertificateLifetimeSeconds = 10L * 365 * 24 * 3600;
// Clocks differ.
constexpr long kCertificateBackdateSeconds = 24L * 3600;
// A peer's whole certificate chain; self-signed ones take up to about 1 kB.
constexpr int kPeerCertificateBytesMax = 16 * 1024;

struct Deleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

    void operator()(X509* certificate) const { X509_free(certificate); }
};

struct HashName {
    HashAlgorithm algorithm;
    std::string_view name;
    std::size_t bytes;
};

constexpr std::array kHashNames = {HashName{HashAlgorithm::kSha256, "sha-256", 32},
                                   HashName{HashAlgorithm::kSha384, "sha-384", 48},
                                   HashName{HashAlgorithm::kSha512, "sha-512", 64}};

[[nodiscard]] const HashName& name_of(HashAlgorithm algorithm) {
    const auto* const found = std::ranges::find(kHashNames, algorithm, &HashName::algorithm);
    CHECK(found != kHashNames.end());
    return *found;
}

[[nodiscard]] char to_lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                : character;
}

[[nodiscard]] std::optional<unsigned> hex_value(char character) {
    const char lower = to_lower(character);
    if (lower >= '0' && lower <= '9') {
        return static_cast<unsigned>(lower - '0');
    }
    if (lower >= 'a' && lower <= 'f') {
        return static_cast<unsigned>(lower - 'a') + 10;
    }
    return std::nullopt;
}

[[nodiscard]] std::string openssl_reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? "unknown reason" : reason;
}

[[nodiscard]] std::unexpected<Error> openssl_error(std::string_view what) {
    return make_error(ErrorCode::kInternal,
                      "OpenSSL cannot " + std::string(what) + " (" + openssl_reason() +
                          "); check the installed libssl3 and its configuration file.");
}

[[nodiscard]] bool fill_certificate(X509* certificate, EVP_PKEY* key) {
    std::array<unsigned char, 16> serial{};
    static constexpr std::array<unsigned char, 8> kName = {'i', 's', 't', 'h', 'm', 'u', 's', 0};
    BIGNUM* number = BN_new();
    // 127 bits: positive and within RFC 5280's 20 octets.
    const bool serial_set =
        number != nullptr && BN_rand(number, 8 * static_cast<int>(serial.size()) - 1, 0, 0) == 1 &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    X509_NAME* name = X509_get_subject_name(certificate);
    return serial_set && X509_set_version(certificate, X509_VERSION_3) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -kCertificateBackdateSeconds) !=
               nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), kCertificateLifetimeSeconds) !=
               nullptr &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName.data(), -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

// use_srtp names in the order of our preference: OpenSSL's server goes by its own list.
[[nodiscard]] std::string join_names(std::span<const SrtpProfile> profiles) {
    std::string names;
    for (const SrtpProfile profile : profiles) {
        names += names.empty() ? "" : ":";
        names += name_of(profile);
    }
    return names;
}

[[nodiscard]] bool configure(SSL_CTX* context, X509* certificate, EVP_PKEY* key) {
    SSL_CTX_set_options(context,
                        SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                            SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                            SSL_OP_SINGLE_ECDH_USE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, kPeerCertificateBytesMax);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, &verify_dtls_peer, nullptr);
    // Forward secrecy and AEAD only (RFC 8827 section 6.5 asks for less). ECDHE-RSA is for servers
    // with RSA certificates, where we are the client.
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM") == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_use_certificate(context, certificate) == 1 &&
           SSL_CTX_use_PrivateKey(context, key) == 1;
}

}  // namespace

std::optional<Fingerprint> Fingerprint::parse(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) {
        return std::nullopt;
    }
    std::string name(text.substr(0, space));
    std::ranges::transform(name, name.begin(), to_lower);
    const auto* const hash = std::ranges::find(kHashNames, name, &HashName::name);
    const std::string_view hex = text.substr(space + 1);
    if (hash == kHashNames.end() || hex.size() != 3 * hash->bytes - 1) {
        return std::nullopt;
    }
    Fingerprint fingerprint{.algorithm = hash->algorithm};
    for (std::size_t i = 0; i < hash->bytes; ++i) {
        const auto high = hex_value(hex[3 * i]);
        const auto low = hex_value(hex[3 * i + 1]);
        if (!high || !low || (i + 1 < hash->bytes && hex[3 * i + 2] != ':')) {
            return std::nullopt;
        }
        fingerprint.digest[i] = static_cast<std::byte>(*high << 4U | *low);
    }
    return fingerprint;
}

std::string Fingerprint::to_string() const {
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    const HashName& hash = name_of(algorithm);
    std::string text(hash.name);
    for (std::size_t i = 0; i < hash.bytes; ++i) {
        text += i == 0 ? ' ' : ':';
        text += kDigits[std::to_integer<std::size_t>(digest[i] >> 4U)];
        text += kDigits[std::to_integer<std::size_t>(digest[i] & std::byte{0x0f})];
    }
    return text;
}

std::optional<Fingerprint> fingerprint_of(X509* certificate, HashAlgorithm algorithm) {
    const EVP_MD* hash = algorithm == HashAlgorithm::kSha256   ? EVP_sha256()
                         : algorithm == HashAlgorithm::kSha384 ? EVP_sha384()
                                                               : EVP_sha512();
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned bytes = 0;
    if (certificate == nullptr || X509_digest(certificate, hash, digest.data(), &bytes) != 1) {
        return std::nullopt;
    }
    Fingerprint fingerprint{.algorithm = algorithm};
    for (std::size_t i = 0; i < bytes; ++i) {
        fingerprint.digest[i] = static_cast<std::byte>(digest[i]);
    }
    return fingerprint;
}

Result<std::shared_ptr<const DtlsIdentity>> DtlsIdentity::make(
    std::span<const SrtpProfile> profiles) {
    if (profiles.empty()) {
        return make_error(ErrorCode::kInvalidArgument,
                          "No SRTP profile is enabled; name at least one.");
    }
    ERR_clear_error();
    const std::unique_ptr<EVP_PKEY, Deleter> key(EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, Deleter> certificate(X509_new());
    if (!key || !certificate || !fill_certificate(certificate.get(), key.get())) {
        return openssl_error("make an ECDSA P-256 certificate");
    }
    std::shared_ptr<DtlsIdentity> identity(new DtlsIdentity);
    identity->context_ = SSL_CTX_new(DTLS_method());
    if (identity->context_ == nullptr ||
        !configure(identity->context_, certificate.get(), key.get())) {
        return openssl_error("set up DTLS 1.2");
    }
    // This one function answers 0 for success.
    if (SSL_CTX_set_tlsext_use_srtp(identity->context_, join_names(profiles).c_str()) != 0) {
        return openssl_error("enable the SRTP profiles " + join_names(profiles));
    }
    const auto fingerprint = fingerprint_of(certificate.get(), HashAlgorithm::kSha256);
    if (!fingerprint) {
        return openssl_error("hash its own certificate");
    }
    identity->fingerprint_ = *fingerprint;
    return identity;
}

DtlsIdentity::~DtlsIdentity() {
    SSL_CTX_free(context_);
}

}  // namespace isthmus::media::transport
