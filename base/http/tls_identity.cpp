#include "base/http/tls_identity.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace isthmus::http {
namespace {

namespace fs = std::filesystem;

template <auto Free>
struct Freer {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

constexpr std::int64_t kDaySeconds = 86'400;
// A chain of a dozen certificates has about 20 KiB.
constexpr std::uintmax_t kPemBytesMax = 256UL * 1024;

std::string errno_text() {
    return std::error_code(errno, std::generic_category()).message();
}

Result<std::string> read_pem(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) {
        return make_error(error == std::errc::no_such_file_or_directory
                              ? ErrorCode::kNotFound
                              : ErrorCode::kInvalidArgument,
                          fmt::format("cannot read {}: {}", path.string(), error.message()));
    }
    if (size > kPemBytesMax) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("{} has {} bytes: that is no PEM file", path.string(), size));
    }
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("cannot read {}: check its owner and mode", path.string()));
    }
    return text;
}

BioPtr bio_of(const std::string& text) {
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key would make OpenSSL ask on the terminal; the node has none.
int no_passphrase(char* /*out*/, int /*size*/, int /*rw*/, void* /*user*/) {
    return -1;
}

CertificatePtr parse_certificate(const std::string& pem) {
    const BioPtr bio = bio_of(pem);
    return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
}

KeyPtr parse_key(const std::string& pem) {
    const BioPtr bio = bio_of(pem);
    return KeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
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

bool add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
    std::array<unsigned char, 8> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        return false;
    }
    bytes[0] &= 0x7FU;  // RFC 5280 section 4.1.2.2: positive
    std::uint64_t serial = 0;
    std::memcpy(&serial, bytes.data(), sizeof serial);
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial | 1U) == 1;
}

bool fill_certificate(X509* certificate,
                      EVP_PKEY* key,
                      const std::vector<std::string>& names,
                      std::int64_t now_unix_s) {
    constexpr long kVersion3 = 2;
    // An hour back, for clients whose clock is a little behind.
    const std::int64_t from = now_unix_s - 3600;
    const std::int64_t until = now_unix_s + kSelfSignedDays * kDaySeconds;
    X509_NAME* subject = X509_get_subject_name(certificate);
    static const std::array<unsigned char, 8> kCommonName = {'i', 's', 't', 'h', 'm', 'u', 's', 0};
    return X509_set_version(certificate, kVersion3) == 1 && set_serial(certificate) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nullptr &&
           X509_set_pubkey(certificate, key) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, kCommonName.data(), -1, -1, 0) ==
               1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, NID_subject_alt_name, alternative_names(names)) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

// Through a new file and a rename, so that a crash leaves the old file or the new one.
Result<void> write_file(const fs::path& path, const std::string& text, mode_t mode) {
    const std::string temporary = path.string() + ".new";
    ::unlink(temporary.c_str());
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool written = fd >= 0;
    if (written) {
        written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                  ::fsync(fd) == 0;
        ::close(fd);
    }
    if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("cannot write {}: {}", path.string(), errno_text()));
    }
    return {};
}

bool runs_out_soon(const X509* certificate, std::int64_t now_unix_s) {
    auto limit = static_cast<std::time_t>(now_unix_s + kSelfSignedRenewDays * kDaySeconds);
    return X509_cmp_time(X509_get0_notAfter(certificate), &limit) <= 0;
}

std::optional<std::string> address_text(const sockaddr* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address, sizeof v4);
        return ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    }
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address, sizeof v6);
        if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) {
            return std::nullopt;
        }
        return ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
    return std::nullopt;
}

}  // namespace

Result<TlsIdentity> load_tls_identity(const fs::path& certificate, const fs::path& key) {
    auto certificate_pem = read_pem(certificate);
    if (!certificate_pem) {
        return std::unexpected(certificate_pem.error());
    }
    auto key_pem = read_pem(key);
    if (!key_pem) {
        return std::unexpected(key_pem.error());
    }
    const CertificatePtr parsed = parse_certificate(*certificate_pem);
    if (!parsed) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("{} holds no PEM certificate", certificate.string()));
    }
    const KeyPtr parsed_key = parse_key(*key_pem);
    if (!parsed_key) {
        return make_error(
            ErrorCode::kInvalidArgument,
            fmt::format("{} holds no PEM private key without passphrase", key.string()));
    }
    if (X509_check_private_key(parsed.get(), parsed_key.get()) != 1) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("the key in {} does not belong to the certificate in {}",
                                      key.string(),
                                      certificate.string()));
    }
    return TlsIdentity{.certificate_pem = std::move(*certificate_pem),
                       .key_pem = std::move(*key_pem)};
}

Result<TlsIdentity> make_self_signed(const std::vector<std::string>& names,
                                     std::int64_t now_unix_s) {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr certificate(X509_new());
    if (!key || !certificate ||
        !fill_certificate(certificate.get(), key.get(), names, now_unix_s)) {
        return make_error(ErrorCode::kInternal, "OpenSSL could not make a certificate");
    }
    return TlsIdentity{
        .certificate_pem =
            to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }),
        .key_pem = to_pem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        })};
}

Result<TlsIdentity> load_or_make_self_signed(const fs::path& directory,
                                             const std::vector<std::string>& names,
                                             std::int64_t now_unix_s) {
    const fs::path certificate_path = directory / "https.crt";
    const fs::path key_path = directory / "https.key";
    auto loaded = load_tls_identity(certificate_path, key_path);
    if (loaded) {
        const CertificatePtr certificate = parse_certificate(loaded->certificate_pem);
        if (!runs_out_soon(certificate.get(), now_unix_s)) {
            return loaded;
        }
    }
    // Absent, running out, or halves of two pairs after a crash between the writes below: these
    // files are the node's own, so it makes new ones.
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("cannot make the state directory {}: {}; set "
                                      "state_directory to one that this user can write",
                                      directory.string(),
                                      error.message()));
    }
    auto made = make_self_signed(names, now_unix_s);
    if (!made) {
        return made;
    }
    constexpr mode_t kOwnerOnly = 0600;
    constexpr mode_t kReadable = 0644;
    for (const auto& written : {write_file(key_path, made->key_pem, kOwnerOnly),
                                write_file(certificate_path, made->certificate_pem, kReadable)}) {
        if (!written) {
            return std::unexpected(written.error());
        }
    }
    return made;
}

std::vector<std::string> local_names() {
    std::vector<std::string> names = {"localhost"};
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) == 0) {
        names.emplace_back(host.data());
    }
    ifaddrs* interfaces = nullptr;
    if (::getifaddrs(&interfaces) == 0) {
        for (const ifaddrs* i = interfaces; i != nullptr; i = i->ifa_next) {
            if (i->ifa_addr == nullptr) {
                continue;
            }
            if (auto text = address_text(i->ifa_addr);
                text && std::ranges::find(names, *text) == names.end()) {
                names.push_back(std::move(*text));
            }
        }
        ::freeifaddrs(interfaces);
    }
    return names;
}

std::string certificate_fingerprint(const TlsIdentity& identity) {
    const CertificatePtr certificate = parse_certificate(identity.certificate_pem);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (!certificate || X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1) {
        return {};
    }
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest.at(i));
    }
    return text;
}

}  // namespace isthmus::http
