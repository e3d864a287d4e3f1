#include "control-agent/channel/certificate.h"

#include <array>
#include <ctime>
#include <optional>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/x509.h>

#include "control-agent/channel/pkey.h"

namespace isthmus::channel {
namespace {

constexpr std::size_t kPemBytesMax = 64UL * 1024;
constexpr std::size_t kNodeIdBytesMax = 64;

struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

CertificatePtr parse(const std::string& pem) {
    if (pem.size() > kPemBytesMax) {
        return nullptr;
    }
    const internal::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, internal::no_passphrase, nullptr));
}

std::optional<std::int64_t> unix_s(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return std::nullopt;
    }
    return ::timegm(&parts);
}

std::string common_name(X509* certificate) {
    std::array<char, kNodeIdBytesMax + 1> name{};
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
                                               NID_commonName,
                                               name.data(),
                                               static_cast<int>(name.size()));
    return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string serial_text(X509* certificate) {
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr);
    char* text = number != nullptr ? BN_bn2hex(number) : nullptr;
    std::string out = text != nullptr ? text : "";
    OPENSSL_free(text);
    BN_free(number);
    return out;
}

Result<Certificate> describe(X509* certificate) {
    EVP_PKEY* key = X509_get0_pubkey(certificate);
    Certificate out;
    const auto from = unix_s(X509_get0_notBefore(certificate));
    const auto until = unix_s(X509_get0_notAfter(certificate));
    out.node = common_name(certificate);
    if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519 || !from || !until ||
        out.node.empty()) {
        return make_error(
            ErrorCode::kInvalidArgument,
            "the certificate is none over an Ed25519 key with the node's id for name");
    }
    std::array<unsigned char, kKeyBytes> raw{};
    std::size_t size = raw.size();
    CHECK(EVP_PKEY_get_raw_public_key(key, raw.data(), &size) == 1);
    const auto public_key =
        PublicKey::from_bytes({reinterpret_cast<const char*>(raw.data()), raw.size()});
    CHECK(public_key.has_value());
    out.key = *public_key;
    out.serial = serial_text(certificate);
    out.not_before_unix_s = *from;
    out.not_after_unix_s = *until;
    return out;
}

std::unexpected<Error> not_pem() {
    return make_error(ErrorCode::kInvalidArgument, "this is no certificate in PEM");
}

}  // namespace

Result<Certificate> read_certificate(const std::string& pem) {
    const CertificatePtr certificate = parse(pem);
    return certificate ? describe(certificate.get()) : not_pem();
}

Result<Certificate> check_certificate(const std::string& pem,
                                      std::span<const std::string> authorities) {
    const CertificatePtr certificate = parse(pem);
    if (!certificate) {
        return not_pem();
    }
    for (const std::string& authority_pem : authorities) {
        const CertificatePtr authority = parse(authority_pem);
        EVP_PKEY* key = authority ? X509_get0_pubkey(authority.get()) : nullptr;
        if (key != nullptr && X509_verify(certificate.get(), key) == 1) {
            return describe(certificate.get());
        }
    }
    return make_error(ErrorCode::kPermissionDenied,
                      "the certificate is not signed by this hub's authority");
}

}  // namespace isthmus::channel
