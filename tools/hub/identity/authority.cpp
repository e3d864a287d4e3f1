#include "tools/hub/identity/authority.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/crypto.h"

namespace isthmus::hub {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
// For machines whose clocks are a little behind.
constexpr std::int64_t kBackdateSeconds = 3600;

template <typename T, void (*Free)(T*)>
struct Freer {
    void operator()(T* held) const { Free(held); }
};

using CertificatePtr = std::unique_ptr<X509, Freer<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION, X509_EXTENSION_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freer<BIGNUM, BN_free>>;

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};

using BioPtr = std::unique_ptr<BIO, FreeBio>;

struct Contents {
    std::string name;
    EVP_PKEY* key = nullptr;
    std::int64_t days = 0;
    std::vector<std::pair<int, std::string>> extensions;
};

template <typename Write>
std::string to_pem(Write write) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || write(bio.get()) != 1) {
        return {};
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

CertificatePtr from_pem(const std::string& pem) {
    const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bool set_serial(X509* certificate, RandomSource& random) {
    // RFC 5280 section 4.1.2.2: positive, at most 20 bytes; unpredictable.
    std::string bytes = channel::random_bytes(random, 16);
    bytes[0] = static_cast<char>((static_cast<unsigned char>(bytes[0]) & 0x7FU) | 0x40U);
    const BignumPtr number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()),
                                     nullptr));
    return number &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

std::string serial_text(const X509* certificate) {
    const BignumPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
    char* text = number ? BN_bn2hex(number.get()) : nullptr;
    std::string out = text != nullptr ? text : "";
    OPENSSL_free(text);
    return out;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// `issuer` null: signed by itself.
CertificatePtr build(const Contents& contents,
                     X509* issuer,
                     EVP_PKEY* issuer_key,
                     RandomSource& random,
                     std::int64_t now_unix_s) {
    constexpr long kVersion3 = 2;
    CertificatePtr certificate(X509_new());
    if (!certificate) {
        return nullptr;
    }
    X509* const out = certificate.get();
    X509_NAME* subject = X509_get_subject_name(out);
    const auto* name = reinterpret_cast<const unsigned char*>(contents.name.data());
    const std::int64_t until = now_unix_s + contents.days * kDaySeconds;
    const bool filled =
        X509_set_version(out, kVersion3) == 1 && set_serial(out, random) &&
        ASN1_TIME_set(X509_getm_notBefore(out), now_unix_s - kBackdateSeconds) != nullptr &&
        ASN1_TIME_set(X509_getm_notAfter(out), until) != nullptr &&
        X509_set_pubkey(out, contents.key) == 1 &&
        X509_NAME_add_entry_by_txt(
            subject, "CN", MBSTRING_UTF8, name, static_cast<int>(contents.name.size()), -1, 0) ==
            1 &&
        X509_set_issuer_name(out, issuer != nullptr ? X509_get_subject_name(issuer) : subject) == 1;
    if (!filled || !std::ranges::all_of(contents.extensions, [&](const auto& extension) {
            return add_extension(
                out, issuer != nullptr ? issuer : out, extension.first, extension.second);
        })) {
        return nullptr;
    }
    // Ed25519 signs without a digest.
    return X509_sign(out, issuer_key, nullptr) > 0 ? std::move(certificate) : nullptr;
}

std::unexpected<Error> failed() {
    return make_error(ErrorCode::kInternal, "OpenSSL could not make a certificate");
}

EVP_PKEY* native(const channel::SigningKey& key) {
    return static_cast<EVP_PKEY*>(key.native());
}

bool is_ip(const std::string& name) {
    std::array<unsigned char, 16> bytes{};
    return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

bool is_dns_name(const std::string& name) {
    return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '.';
    });
}

std::string alternative_names(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        const bool ip = is_ip(name);
        if (ip || is_dns_name(name)) {
            text += fmt::format("{}{}:{}", text.empty() ? "" : ",", ip ? "IP" : "DNS", name);
        }
    }
    return text;
}

}  // namespace

Result<Authority> Authority::make(const channel::SigningKey& key,
                                  RandomSource& random,
                                  std::int64_t now_unix_s) {
    const Contents contents{.name = "Isthmus hub " + key.public_key().id().substr(0, 8),
                            .key = native(key),
                            .days = kAuthorityDays,
                            .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                           {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                           {NID_subject_key_identifier, "hash"}}};
    const auto certificate = build(contents, nullptr, native(key), random, now_unix_s);
    if (!certificate) {
        return failed();
    }
    return Authority(key,
                     to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }));
}

Result<IssuedCertificate> Authority::issue_node(const std::string& node,
                                                const channel::PublicKey& key,
                                                RandomSource& random,
                                                std::int64_t now_unix_s) const {
    const CertificatePtr issuer = from_pem(certificate_pem_);
    const KeyPtr node_key(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519,
                                    nullptr,
                                    reinterpret_cast<const unsigned char*>(key.bytes().data()),
                                    key.bytes().size()));
    if (!issuer || !node_key) {
        return failed();
    }
    const Contents contents{.name = node,
                            .key = node_key.get(),
                            .days = kNodeCertificateDays,
                            .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                           {NID_key_usage, "critical,digitalSignature"},
                                           {NID_ext_key_usage, "clientAuth"},
                                           {NID_authority_key_identifier, "keyid"}}};
    const auto certificate = build(contents, issuer.get(), native(key_), random, now_unix_s);
    if (!certificate) {
        return failed();
    }
    return IssuedCertificate{
        .pem = to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }),
        .serial = serial_text(certificate.get()),
        .not_after_unix_s = now_unix_s + kNodeCertificateDays * kDaySeconds};
}

Result<http::TlsIdentity> Authority::issue_server(const std::vector<std::string>& names,
                                                  RandomSource& random,
                                                  std::int64_t now_unix_s) const {
    const CertificatePtr issuer = from_pem(certificate_pem_);
    const KeyPtr key(EVP_EC_gen("P-256"));
    if (!issuer || !key) {
        return failed();
    }
    const Contents contents{.name = "isthmus-hub",
                            .key = key.get(),
                            .days = kServerCertificateDays,
                            .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                           {NID_key_usage, "critical,digitalSignature"},
                                           {NID_ext_key_usage, "serverAuth"},
                                           {NID_authority_key_identifier, "keyid"},
                                           {NID_subject_alt_name, alternative_names(names)}}};
    const auto certificate = build(contents, issuer.get(), native(key_), random, now_unix_s);
    if (!certificate) {
        return failed();
    }
    return http::TlsIdentity{
        .certificate_pem =
            to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }) +
            certificate_pem_,
        .key_pem = to_pem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        })};
}

}  // namespace isthmus::hub
