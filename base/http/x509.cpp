#include "base/http/x509.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <spdlog/fmt/fmt.h>

namespace isthmus::http {
namespace {

using BioPtr = std::unique_ptr<BIO, OpensslFreer<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFreer<X509_EXTENSION_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, OpensslFreer<BN_free>>;

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kBackdateSeconds = 3600;

BioPtr bio_of(const std::string& text) {
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key would make OpenSSL ask on the terminal; a server has none.
int no_passphrase(char* /*out*/, int /*size*/, int /*rw*/, void* /*user*/) {
    return -1;
}

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

// RFC 5280 section 4.1.2.2: positive, at most 20 bytes; unpredictable.
bool set_serial(X509* certificate, RandomSource& random) {
    std::array<unsigned char, 16> bytes{};
    random.fill(std::as_writable_bytes(std::span(bytes)));
    bytes[0] = (bytes[0] & 0x7FU) | 0x40U;
    const BignumPtr number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    return number &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

}  // namespace

CertificatePtr make_certificate(const CertificateContents& contents,
                                const CertificateIssuer& issuer,
                                RandomSource& random,
                                std::int64_t now_unix_s) {
    constexpr long kVersion3 = 2;
    CertificatePtr certificate(X509_new());
    if (!certificate) {
        return nullptr;
    }
    X509* const out = certificate.get();
    X509* const parent = issuer.certificate != nullptr ? issuer.certificate : out;
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
        X509_set_issuer_name(out, X509_get_subject_name(parent)) == 1 &&
        std::ranges::all_of(contents.extensions, [&](const auto& extension) {
            return add_extension(out, parent, extension.first, extension.second);
        });
    return filled && X509_sign(out, issuer.key, issuer.digest) > 0 ? std::move(certificate)
                                                                   : nullptr;
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

CertificatePtr parse_certificate(const std::string& pem) {
    const BioPtr bio = bio_of(pem);
    return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
}

KeyPtr parse_key(const std::string& pem) {
    const BioPtr bio = bio_of(pem);
    return KeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
}

std::string write_certificate(X509* certificate) {
    return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string write_key(EVP_PKEY* key) {
    return to_pem([&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

}  // namespace isthmus::http
