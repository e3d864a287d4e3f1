// STUN and TURN servers that clients are told of, with credentials made for each client.
//
// Credentials follow coturn's REST API (draft-uberti-behave-turn-rest-00): the user name begins
// with the time when it ends, the password is a MAC of it under a secret that the TURN server
// shares.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isthmus::signaling::whip {

struct IceServer {
    std::vector<std::string> urls;  // "turn:turn.example.org:3478?transport=udp" (RFC 7064, 7065)
    // Either a secret that the server shares (coturn: static-auth-secret) or fixed credentials;
    // neither for STUN.
    std::string shared_secret;
    std::string username;
    std::string credential;
    std::chrono::seconds ttl{24L * 3600};  // of credentials made from the secret
};

// One URL with what a client needs to use it.
struct IceServerAccess {
    std::string url;
    std::string username;  // empty for STUN
    std::string credential;
};

// For the configuration's check: the sentence says what is wrong.
[[nodiscard]] Result<void> check_ice_server(const IceServer& server);

// `identity` goes into the user name for the TURN server's log, percent-encoded.
[[nodiscard]] std::vector<IceServerAccess> grant_ice_servers(const std::vector<IceServer>& servers,
                                                             std::string_view identity,
                                                             std::int64_t now_unix_s);

// The value of a Link header field (RFC 9725 section 4.6).
[[nodiscard]] std::string write_link(const IceServerAccess& access);

}  // namespace isthmus::signaling::whip
