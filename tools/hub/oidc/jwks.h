// The keys that an identity provider signs with: a JWK Set and the check of a signature. Sans-I/O.
//
// RS256, ES256 and EdDSA over Ed25519; nothing else, so that neither "none" nor a MAC under a
// public key can ever be asked for. Keys of other kinds, for encryption, or too weak are passed
// over, as RFC 7517 section 5 wants it. Specification: RFC 7517, RFC 7518 sections 3 and 6, RFC
// 8037.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus::hub::oidc {

enum class Algorithm : std::uint8_t { kRs256, kEs256, kEdDsa };

// Nothing for what is not supported, "none" and "HS256" among it.
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view name);

struct Jwk {
    std::string id;  // "kid"; may be empty
    Algorithm algorithm = Algorithm::kRs256;
    std::shared_ptr<void> key;  // EVP_PKEY

    [[nodiscard]] bool verifies(std::string_view text, std::string_view signature) const;
};

class Jwks {
  public:
    // Nothing where it is no JWK Set; a set in which no key is of use is an empty one.
    [[nodiscard]] static std::optional<Jwks> parse(std::string_view text);

    // The key that a token's header names. Without a name ("") the only one of the algorithm; null
    // where there is none, or a choice.
    [[nodiscard]] const Jwk* find(std::string_view id, Algorithm algorithm) const;

    [[nodiscard]] std::size_t size() const { return keys_.size(); }

    static constexpr std::size_t kBytesMax = 256UL * 1024;
    static constexpr std::size_t kKeysMax = 64;

  private:
    std::vector<Jwk> keys_;
};

}  // namespace isthmus::hub::oidc
