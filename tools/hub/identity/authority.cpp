#include "tools/hub/identity/authority.h"

#include <memory>
#include <utility>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/http/x509.h"

namespace isthmus::hub {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
using http::CertificateContents;
using http::CertificatePtr;
using http::KeyPtr;
using BignumPtr = std::unique_ptr<BIGNUM, http::OpensslFreer<BN_free>>;

std::string serial_text(const X509* certificate) {
    const BignumPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    char* text = number ? BN_bn2hex(number.get()) : nullptr;
    std::string out = text != nullptr ? text : "";
    OPENSSL_free(text);
    return out;
}

std::unexpected<Error> failed() {
    return make_error(ErrorCode::kInternal, "OpenSSL could not make a certificate");
}

EVP_PKEY* native(const channel::SigningKey& key) {
    return static_cast<EVP_PKEY*>(key.native());
}

}  // namespace

Result<Authority> Authority::make(const channel::SigningKey& key,
                                  RandomSource& random,
                                  std::int64_t now_unix_s) {
    const CertificateContents contents{
        .name = "Isthmus hub " + key.public_key().id().substr(0, 8),
        .key = native(key),
        .days = kAuthorityDays,
        .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                       {NID_key_usage, "critical,keyCertSign,cRLSign"},
                       {NID_subject_key_identifier, "hash"}}};
    const auto certificate =
        http::make_certificate(contents, {.key = native(key)}, random, now_unix_s);
    if (!certificate) {
        return failed();
    }
    return Authority(key, http::write_certificate(certificate.get()));
}

Result<IssuedCertificate> Authority::issue_node(const std::string& node,
                                                const channel::PublicKey& key,
                                                RandomSource& random,
                                                std::int64_t now_unix_s) const {
    const CertificatePtr issuer = http::parse_certificate(certificate_pem_);
    const KeyPtr node_key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519,
                                    nullptr,
                                    reinterpret_cast<const unsigned char*>(key.bytes().data()),
                                    key.bytes().size()));
    if (!issuer || !node_key) {
        return failed();
    }
    const CertificateContents contents{.name = node,
                                       .key = node_key.get(),
                                       .days = kNodeCertificateDays,
                                       .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                                      {NID_key_usage, "critical,digitalSignature"},
                                                      {NID_ext_key_usage, "clientAuth"},
                                                      {NID_authority_key_identifier, "keyid"}}};
    const auto certificate = http::make_certificate(
        contents, {.certificate = issuer.get(), .key = native(key_)}, random, now_unix_s);
    if (!certificate) {
        return failed();
    }
    return IssuedCertificate{.pem = http::write_certificate(certificate.get()),
                             .serial = serial_text(certificate.get()),
                             .not_after_unix_s = now_unix_s + kNodeCertificateDays * kDaySeconds};
}

Result<http::TlsIdentity> Authority::issue_server(const std::vector<std::string>& names,
                                                  RandomSource& random,
                                                  std::int64_t now_unix_s) const {
    const CertificatePtr issuer = http::parse_certificate(certificate_pem_);
    const KeyPtr key(EVP_EC_gen("P-256"));
    if (!issuer || !key) {
        return failed();
    }
    const CertificateContents contents{
        .name = "isthmus-hub",
        .key = key.get(),
        .days = kServerCertificateDays,
        .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                       {NID_key_usage, "critical,digitalSignature"},
                       {NID_ext_key_usage, "serverAuth"},
                       {NID_authority_key_identifier, "keyid"},
                       {NID_subject_alt_name, http::alternative_names(names)}}};
    const auto certificate = http::make_certificate(
        contents, {.certificate = issuer.get(), .key = native(key_)}, random, now_unix_s);
    if (!certificate) {
        return failed();
    }
    return http::TlsIdentity{
        .certificate_pem = http::write_certificate(certificate.get()) + certificate_pem_,
        .key_pem = http::write_key(key.get())};
}

}  // namespace isthmus::hub
