// What is said to an identity provider and what it answers: discovery, the address that a browser
// is sent to, the code for tokens, the claims that come apart from the token. Sans-I/O.
//
// HTTPS only. Addresses of private networks are as good as others: providers stand on premises too.
// Specification: OpenID Connect Discovery 1.0, OpenID Connect Core 1.0 sections 3.1 and 5.3,
// RFC 6749 section 4.1, RFC 7636.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/error.h"
#include "base/http/client.h"
#include "base/http/message.h"

namespace isthmus::hub::oidc {

inline constexpr std::size_t kAnswerBytesMax = 256UL * 1024;

struct Discovery {
    std::string issuer;
    std::string authorization_endpoint;
    std::string token_endpoint;
    std::string userinfo_endpoint;  // may be empty
    std::string jwks_uri;
    bool secret_in_header = true;  // client_secret_basic; else client_secret_post
};

// Words of others that end in the audit log and on terminals: the first 200 bytes, without control
// characters.
[[nodiscard]] std::string plain_text(std::string_view text);

// What is wrong with an issuer's address as a sentence, else empty.
[[nodiscard]] std::string fault_of_issuer(const std::string& issuer);
[[nodiscard]] std::string discovery_url(const std::string& issuer);
// kInvalidArgument where it is the document of another issuer, or lacks what a sign-in needs.
[[nodiscard]] Result<Discovery> read_discovery(std::string_view text, const std::string& issuer);

// RFC 7636 section 4.2, S256.
[[nodiscard]] std::string challenge_of(std::string_view verifier);

struct AuthorizationRequest {
    std::string client_id;
    std::string redirect_uri;
    std::string scopes;  // "openid profile"
    std::string state;
    std::string nonce;
    std::string challenge;
};

[[nodiscard]] std::string authorization_url(const Discovery& discovery,
                                            const AuthorizationRequest& request);

struct CodeExchange {
    std::string client_id;
    std::string client_secret;  // empty: a public client
    std::string redirect_uri;
    std::string code;
    std::string verifier;
};

[[nodiscard]] http::ClientRequest token_request(const Discovery& discovery,
                                                const CodeExchange& exchange);

struct Tokens {
    std::string id_token;
    std::string access_token;  // may be empty
};

// kPermissionDenied with what the provider says of it where it refuses.
[[nodiscard]] Result<Tokens> read_tokens(const http::Response& response);

[[nodiscard]] http::ClientRequest userinfo_request(const Discovery& discovery,
                                                   const std::string& access_token);
// kPermissionDenied where they are of somebody else than `subject` (Core section 5.3.2).
[[nodiscard]] Result<boost::json::object> read_userinfo(const http::Response& response,
                                                        const std::string& subject);

}  // namespace isthmus::hub::oidc
