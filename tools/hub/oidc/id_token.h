// An ID token: who signed in, as the identity provider says it. Sans-I/O.
//
// Everything that OpenID Connect Core section 3.1.3.7 asks for is checked, and nothing of the token
// is returned before all of it held. Encrypted tokens are not read.
// Specification: RFC 7515, RFC 7519, OpenID Connect Core 1.0 sections 2 and 3.1.3.7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "tools/hub/oidc/jwks.h"

namespace isthmus::hub::oidc {

inline constexpr std::size_t kTokenBytesMax = 64UL * 1024;
// How far the provider's clock and ours may be apart.
inline constexpr std::int64_t kSkewSeconds = 60;
inline constexpr std::size_t kSubjectBytesMax = 255;  // Core section 2

struct ExpectedToken {
    std::string issuer;
    std::string client_id;
    std::string nonce;
    std::int64_t begun_s = 0;  // when the sign-in was: an older token is another's
    std::int64_t now_s = 0;
};

enum class TokenFault : std::uint8_t {
    kMalformed,
    kAlgorithm,
    kUnknownKey,
    kSignature,
    kIssuer,
    kAudience,
    kAuthorizedParty,
    kExpired,
    kIssuedAt,
    kNonce,
    kSubject,
};

// A sentence for the administrator.
[[nodiscard]] std::string_view to_string(TokenFault fault);

struct IdToken {
    std::string subject;
    boost::json::object claims;
};

// kUnknownKey: the keys may be older than the token; those that hold now are worth a look.
[[nodiscard]] std::expected<IdToken, TokenFault> read_id_token(std::string_view text,
                                                               const Jwks& keys,
                                                               const ExpectedToken& expected);

}  // namespace isthmus::hub::oidc
