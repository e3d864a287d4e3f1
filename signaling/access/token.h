// Access tokens: JWT with HS256 (RFC 7519, RFC 7518 section 3.2) and the claims that LiveKit's
// server SDKs write, so that people's token servers work unchanged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isthmus::signaling::access {

// The "video" claim. Absent booleans have the values given here.
struct VideoGrant {
    std::string room;  // the conference that roomJoin and roomAdmin are for
    bool room_join = false;
    bool can_publish = true;
    bool can_subscribe = true;
    bool hidden = false;
    bool recorder = false;
    std::optional<bool> can_publish_data;  // absent: as can_publish
    // "camera", "microphone", "screen_share", "screen_share_audio"; empty: all.
    std::vector<std::string> can_publish_sources;
    bool can_update_own_metadata = false;
    bool agent = false;
    bool room_admin = false;   // manage the participants of `room`
    bool room_list = false;    // list all conferences
    bool room_create = false;  // create and end any conference
};

// The "roomConfig" claim: what a room that the token's holder makes by joining is like. Nothing:
// the node's own values.
struct RoomGrant {
    std::optional<std::uint32_t> empty_timeout_s;
    std::optional<std::uint32_t> departure_timeout_s;
    std::optional<std::uint32_t> participants_max;
    std::string metadata;
};

struct AccessToken {
    std::string issuer;    // "iss": the API key
    std::string identity;  // "sub"
    std::string name;      // "name"
    std::string metadata;  // "metadata"
    std::map<std::string, std::string, std::less<>> attributes;
    std::string kind;                    // "standard", "agent", ...; empty: standard
    std::int64_t not_before_unix_s = 0;  // "nbf"; 0: not said
    std::int64_t expires_unix_s = 0;     // "exp"; required
    VideoGrant video;
    RoomGrant room_config;
};

// API key to secret.
using ApiKeys = std::map<std::string, std::string, std::less<>>;

// Checks form, algorithm (HS256 only), issuer, signature in constant time, nbf and exp with 10 s of
// leeway. kUnauthenticated with a sentence that tells the client's developer what is wrong, without
// revealing whether a key exists.
[[nodiscard]] Result<AccessToken> verify_token(std::string_view jwt,
                                               const ApiKeys& keys,
                                               std::int64_t now_unix_s);

// Signs with `secret`; `token.issuer` is the key's name.
[[nodiscard]] std::string sign_token(const AccessToken& token, std::string_view secret);

// A JWT (HS256) of any claims, given as a JSON object.
[[nodiscard]] std::string sign_claims(std::string_view claims_json, std::string_view secret);

}  // namespace isthmus::signaling::access
