// The node's DTLS certificate, and fingerprints (RFC 8122).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "media/transport/srtp_profile.h"

// NOLINTNEXTLINE(readability-identifier-naming): OpenSSL's name
using SSL_CTX = struct ssl_ctx_st;

namespace isthmus::media::transport {

enum class HashAlgorithm : std::uint8_t { kSha256, kSha384, kSha512 };

struct Fingerprint {
    HashAlgorithm algorithm = HashAlgorithm::kSha256;
    std::array<std::byte, 64> digest{};  // the first 32, 48 or 64 bytes count

    // "sha-256 AB:CD:..." as in a=fingerprint. MD5 and SHA-1 are refused.
    [[nodiscard]] static std::optional<Fingerprint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

// Which side sends the ClientHello (a=setup:active / passive, RFC 8842).
enum class DtlsRole : std::uint8_t { kClient, kServer };

// A self-signed ECDSA P-256 certificate, made anew at each start of the node, and the OpenSSL
// context that offers it. One per process; read-only after make(), so that all workers may use it.
class DtlsIdentity {
  public:
    // `profiles`: use_srtp preference, ours first.
    [[nodiscard]] static Result<std::shared_ptr<const DtlsIdentity>> make(
        std::span<const SrtpProfile> profiles);

    DtlsIdentity(const DtlsIdentity&) = delete;
    DtlsIdentity& operator=(const DtlsIdentity&) = delete;
    ~DtlsIdentity();

    [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }

    [[nodiscard]] SSL_CTX* context() const { return context_; }

  private:
    DtlsIdentity() = default;
    SSL_CTX* context_ = nullptr;
    Fingerprint fingerprint_;
};

}  // namespace isthmus::media::transport
