// From a request to an endpoint's answer, in one transaction: what the body is, who asks, may they.
// No sockets, no threads.
#pragma once

#include <string>

#include "base/http/message.h"
#include "tools/hub/api/endpoint.h"

namespace isthmus::hub {

// By what a caller is found.
struct CallerProof {
    std::string token;
    std::string remote;  // address
};

// Who has no token at all is told so before anything else is looked at.
// kInvalidArgument where the body is no JSON object. What is the hub's own (`url`, `keyring`) is
// left to whoever calls.
[[nodiscard]] Result<ApiCall> read_call(const http::Request& request);

// kUnauthenticated where the token stands for nobody, kPermissionDenied where the role may not.
[[nodiscard]] Result<Caller> find_permitted(const Context& anonymous,
                                            const Endpoint& endpoint,
                                            const CallerProof& proof);

[[nodiscard]] Result<ApiAnswer> run_call(const Context& anonymous,
                                         const Endpoint& endpoint,
                                         const CallerProof& proof,
                                         const ApiCall& call);

}  // namespace isthmus::hub
