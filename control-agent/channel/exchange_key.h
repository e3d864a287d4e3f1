// X25519 keys (RFC 7748): the ephemeral ones of a session, and the lasting one of a node that
// secrets are sealed to.
//
// A sealed secret can be opened by the node alone: neither the hub nor a proxy on the way has the
// key. An ephemeral key meets the node's, HKDF-SHA256 makes a key of the outcome, AES-256-GCM
// seals.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/random.h"
#include "control-agent/channel/crypto.h"

namespace isthmus::channel {

class ExchangePublicKey {
  public:
    [[nodiscard]] static std::optional<ExchangePublicKey> from_bytes(std::string_view bytes);

    [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

    // base64url of SHA-256: what "to" of a sealed secret says.
    [[nodiscard]] std::string id() const;

    friend bool operator==(const ExchangePublicKey&, const ExchangePublicKey&) = default;

  private:
    std::array<char, 32> bytes_{};
};

class ExchangeKey {
  public:
    [[nodiscard]] static ExchangeKey generate(RandomSource& random);
    [[nodiscard]] static std::optional<ExchangeKey> from_bytes(std::string_view bytes);
    [[nodiscard]] static Result<ExchangeKey> from_pem(const std::string& pem);

    [[nodiscard]] const ExchangePublicKey& public_key() const { return public_; }

    // 32 bytes; nothing where `other` is one of the points of low order, with which anybody would
    // know the outcome (RFC 7748 section 6.1).
    [[nodiscard]] std::optional<Bytes> agree(const ExchangePublicKey& other) const;
    [[nodiscard]] std::string to_pem() const;

  private:
    ExchangeKey(std::shared_ptr<void> key, ExchangePublicKey public_key)
        : key_(std::move(key)), public_(public_key) {}

    std::shared_ptr<void> key_;  // EVP_PKEY
    ExchangePublicKey public_;
};

inline constexpr std::size_t kSecretBytesMax = 64UL * 1024;

// {"sealed":{"to":..,"ephemeral":..,"nonce":..,"box":..}}. `context` is authenticated with it (say,
// what the secret is for) and must be the same when it is opened; empty is a context too.
[[nodiscard]] Result<boost::json::value> seal_secret(RandomSource& random,
                                                     const ExchangePublicKey& to,
                                                     std::string_view secret,
                                                     std::string_view context = {});

// Is it an object of that form?
[[nodiscard]] bool is_sealed(const boost::json::value& value);

// kInvalidArgument where it is not of that form, kPermissionDenied where it was sealed to another
// key or changed.
[[nodiscard]] Result<std::string> open_secret(const ExchangeKey& key,
                                              const boost::json::value& sealed,
                                              std::string_view context = {});

// Opens every sealed secret within a configuration; the same errors.
[[nodiscard]] Result<boost::json::value> open_secrets(const ExchangeKey& key,
                                                      const boost::json::value& configuration);

// Puts "(sealed)" in the place of each: for audit and reports.
[[nodiscard]] boost::json::value redact_secrets(const boost::json::value& configuration);

}  // namespace isthmus::channel
