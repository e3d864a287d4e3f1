#include "base/http/tls_identity.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/http/x509.h"
#include "base/random.h"

namespace isthmus::http {
namespace {

namespace fs = std::filesystem;

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
    SystemRandom random;
    const CertificateContents contents{
        .name = "isthmus",
        .key = key.get(),
        .days = kSelfSignedDays,
        .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                       {NID_ext_key_usage, "serverAuth"},
                       {NID_subject_alt_name, alternative_names(names)}}};
    const CertificatePtr certificate =
        key ? make_certificate(
                  contents, {.key = key.get(), .digest = EVP_sha256()}, random, now_unix_s)
            : nullptr;
    if (!certificate) {
        return make_error(ErrorCode::kInternal, "OpenSSL could not make a certificate");
    }
    return TlsIdentity{.certificate_pem = write_certificate(certificate.get()),
                       .key_pem = write_key(key.get())};
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
