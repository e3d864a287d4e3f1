// Answers challenges with a user and a password: Basic (RFC 7617) and Digest (RFC 7616) with MD5 or
// SHA-256. No socket here.
//
// Leaves out: auth-int, hashed user names, SHA-512-256, Negotiate and NTLM.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/challenge.h"

namespace isthmus {
class RandomSource;
}

namespace isthmus::http {

struct Credentials {
    std::string user;
    std::string password;
};

// What the request that is authorised asks for.
struct AuthorizedRequest {
    std::string_view method;
    std::string_view uri;  // as on the request line
};

// "Basic dXNlcjpwYXNz".
[[nodiscard]] std::string basic_authorization(const Credentials& credentials);

// The field value for a Digest challenge; nothing where it asks for something left out.
// `client_nonce`: unpredictable, fit for a quoted string. `count`: how often the challenge's nonce
// has been used, this time included.
[[nodiscard]] std::optional<std::string> digest_authorization(const Challenge& challenge,
                                                              const Credentials& credentials,
                                                              const AuthorizedRequest& request,
                                                              std::string_view client_nonce,
                                                              std::uint32_t count);

// The strongest that there is an answer to: SHA-256, then MD5, then Basic (unless it is forbidden:
// it shows the password to whoever listens). Nothing where there is none.
[[nodiscard]] std::optional<std::string> answer_challenges(const std::vector<Challenge>& challenges,
                                                           const Credentials& credentials,
                                                           const AuthorizedRequest& request,
                                                           bool basic_allowed,
                                                           RandomSource& random);

}  // namespace isthmus::http
