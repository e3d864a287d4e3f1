// Ed25519 keys (RFC 8032): who a node is, who a hub is.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/random.h"
#include "control-agent/channel/crypto.h"

namespace isthmus::channel {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;

class PublicKey {
  public:
    // Nothing where it has not the right length. Whether it is a point shows when it verifies.
    [[nodiscard]] static std::optional<PublicKey> from_bytes(std::string_view bytes);

    [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

    // SHA-256 of the key: 32 bytes. In codes and in the handshake.
    [[nodiscard]] Bytes fingerprint() const { return sha256(bytes()); }

    // base64url of the fingerprint: names the key in messages and to people.
    [[nodiscard]] std::string id() const;

    [[nodiscard]] bool verify(std::string_view label,
                              std::initializer_list<std::string_view> fields,
                              std::string_view signature) const;

    friend bool operator==(const PublicKey&, const PublicKey&) = default;

  private:
    std::array<char, kKeyBytes> bytes_{};
};

// A private key and its public half. Copies share the key.
class SigningKey {
  public:
    [[nodiscard]] static SigningKey generate(RandomSource& random);
    // The seed of RFC 8032 section 5.1.5, 32 bytes.
    [[nodiscard]] static std::optional<SigningKey> from_seed(std::string_view seed);
    // PKCS #8, unencrypted; kInvalidArgument where it is no Ed25519 key.
    [[nodiscard]] static Result<SigningKey> from_pem(const std::string& pem);

    [[nodiscard]] const PublicKey& public_key() const { return public_; }

    [[nodiscard]] Bytes sign(std::string_view label,
                             std::initializer_list<std::string_view> fields) const;
    [[nodiscard]] std::string to_pem() const;
    [[nodiscard]] Bytes seed() const;

    // EVP_PKEY*, for certificates; valid as long as the key.
    [[nodiscard]] void* native() const { return key_.get(); }

  private:
    SigningKey(std::shared_ptr<void> key, PublicKey public_key)
        : key_(std::move(key)), public_(public_key) {}

    std::shared_ptr<void> key_;  // EVP_PKEY, hidden so that OpenSSL stays out of the header
    PublicKey public_;
};

}  // namespace isthmus::channel
