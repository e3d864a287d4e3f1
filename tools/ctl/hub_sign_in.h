// isthmusctl hub login --oidc: signing in with a browser at the organisation's identity provider.
//
// The hub sends the browser back to a port of ours on the loopback address (RFC 8252 section 7.3)
// with a code that only who knows our verifier can use (RFC 7636). Where the browser is on another
// machine, the code is carried over by hand.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "tools/ctl/http_client.h"

namespace isthmus::ctl {

struct SignInOptions {
    std::string organization;  // empty: the hub has one with a provider only
    bool paste = false;        // no browser on this machine
    bool link = false;         // to the person who is logged in
};

struct SignInCalls {
    // POST to the hub.
    std::function<Result<HttpAnswer>(const std::string& path, const std::string& body)> post;
    std::function<std::string(const char* prompt)> read_secret;
};

// The session's token.
[[nodiscard]] Result<std::string> sign_in(const SignInOptions& options, const SignInCalls& calls);

}  // namespace isthmus::ctl
