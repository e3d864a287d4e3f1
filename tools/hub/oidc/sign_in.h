// A sign-in that is under way: what the hub must know again when the browser comes back. It travels
// sealed in the "state" parameter, so that strangers who begin a thousand cost nothing, and any
// instance of the hub ends what another began. Sans-I/O.
//
// Used twice it is worth nothing: the provider's code is good once. What it leads to is a code for
// isthmusctl, bound to that one's own secret by PKCE (RFC 7636).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "tools/hub/identity/master_key.h"

namespace isthmus::hub::oidc {

// People look for their second factor.
inline constexpr std::int64_t kSignInSeconds = 600;

struct SignIn {
    std::string organisation;
    std::string nonce;
    std::string verifier;        // of the hub towards the provider
    std::string challenge;       // of isthmusctl towards the hub
    std::string return_to{};     // isthmusctl's loopback address; empty: people carry the code over
    std::string return_state{};  // what isthmusctl knows its own sign-in by
    std::int64_t begun_s = 0;
};

[[nodiscard]] std::string seal_sign_in(const MasterKey& key,
                                       RandomSource& random,
                                       const SignIn& sign_in);
// Nothing where it is none of this hub's, or ran out.
[[nodiscard]] std::optional<SignIn> open_sign_in(const MasterKey& key,
                                                 std::string_view sealed,
                                                 std::int64_t now_s);

// "http://127.0.0.1:PORT/path" or "http://[::1]:PORT/path" (RFC 8252 section 7.3): nothing else can
// be a program on the machine of who signs in.
[[nodiscard]] bool is_loopback_address(std::string_view url);

// What S256 makes: 43 characters of base64url.
[[nodiscard]] bool is_challenge(std::string_view text);

}  // namespace isthmus::hub::oidc
