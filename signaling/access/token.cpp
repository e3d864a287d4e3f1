#include "signaling/access/token.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"
#include "base/http/base64url.h"
#include "base/http/utf8.h"

namespace isthmus::signaling::access {
namespace {

namespace json = boost::json;

// LiveKit's servers write about 400 bytes; metadata may add some thousands.
constexpr std::size_t kTokenBytesMax = 8192;
constexpr std::size_t kIdentityBytesMax = 256;
// For clocks that are not quite the same (RFC 7519 section 4.1.4).
constexpr std::int64_t kLeewayS = 10;
constexpr double kDateMaxS = 1e15;  // beyond any date, exact in a double
constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kListMax = 16;

using Signature = std::array<unsigned char, kSha256Bytes>;

[[nodiscard]] std::unexpected<Error> refuse(std::string sentence) {
    return make_error(ErrorCode::kUnauthenticated, std::move(sentence));
}

[[nodiscard]] Signature hmac_sha256(std::string_view secret, std::string_view message) {
    Signature signature{};
    unsigned length = 0;
    const unsigned char* const done = HMAC(EVP_sha256(),
                                           secret.data(),
                                           static_cast<int>(secret.size()),
                                           reinterpret_cast<const unsigned char*>(message.data()),
                                           message.size(),
                                           signature.data(),
                                           &length);
    CHECK(done != nullptr && length == signature.size());
    return signature;
}

// `part`: "header" or "claims", for the sentence.
[[nodiscard]] Result<json::object> decode_part(std::string_view encoded, std::string_view part) {
    const std::optional<std::string> text = http::decode_base64url(encoded);
    if (!text) {
        return refuse("the token's " + std::string(part) + " is not base64url");
    }
    boost::system::error_code failure;
    json::value value = json::parse(*text, failure);
    if (failure || !value.is_object() || !http::is_utf8(*text)) {
        return refuse("the token's " + std::string(part) + " is not a JSON object");
    }
    return std::move(value.get_object());
}

// Reads members of an object and remembers the first that has the wrong type.
class Members {
  public:
    explicit Members(const json::object& object) : object_(object) {}

    void read(std::string_view name, std::string& out) {
        const json::value* const value = object_.if_contains(name);
        if (value == nullptr) {
            return;
        }
        if (const json::string* const text = value->if_string()) {
            out.assign(text->data(), text->size());
        } else {
            fail(name, "a string");
        }
    }

    void read(std::string_view name, bool& out) {
        const json::value* const value = object_.if_contains(name);
        if (value == nullptr) {
            return;
        }
        if (const bool* const flag = value->if_bool()) {
            out = *flag;
        } else {
            fail(name, "true or false");
        }
    }

    void read(std::string_view name, std::optional<bool>& out) {
        if (object_.contains(name)) {
            bool value = false;
            read(name, value);
            out = value;
        }
    }

    void read(std::string_view name, std::optional<std::uint32_t>& out) {
        const json::value* const value = object_.if_contains(name);
        if (value == nullptr) {
            return;
        }
        boost::system::error_code failure;
        const auto number = value->to_number<std::uint32_t>(failure);
        if (failure) {
            fail(name, "a whole number");
        } else {
            out = number;
        }
    }

    void read(std::string_view name, std::vector<std::string>& out) {
        const json::value* const value = object_.if_contains(name);
        if (value == nullptr) {
            return;
        }
        const json::array* const list = value->if_array();
        if (list == nullptr || list->size() > kListMax) {
            fail(name, "a short list of strings");
            return;
        }
        for (const json::value& item : *list) {
            if (const json::string* const text = item.if_string()) {
                out.emplace_back(text->data(), text->size());
            } else {
                fail(name, "a short list of strings");
            }
        }
    }

    void read(std::string_view name, std::map<std::string, std::string, std::less<>>& out) {
        const json::value* const value = object_.if_contains(name);
        if (value == nullptr) {
            return;
        }
        const json::object* const members = value->if_object();
        if (members == nullptr) {
            fail(name, "an object of strings");
            return;
        }
        for (const auto& [key, item] : *members) {
            if (const json::string* const text = item.if_string()) {
                out.insert_or_assign(std::string(key), std::string(text->data(), text->size()));
            } else {
                fail(name, "an object of strings");
            }
        }
    }

    // A NumericDate (RFC 7519 section 2) may have a fraction.
    void read_date(std::string_view name, std::optional<std::int64_t>& out) {
        const json::value* const value = object_.if_contains(name);
        if (value == nullptr) {
            return;
        }
        const double seconds = value->is_number() ? value->to_number<double>() : NAN;
        if (std::isfinite(seconds) && seconds >= 0 && seconds <= kDateMaxS) {
            out = static_cast<std::int64_t>(seconds);
        } else {
            fail(name, "a date in seconds since 1970");
        }
    }

    [[nodiscard]] const std::string& failure() const { return failure_; }

  private:
    void fail(std::string_view name, std::string_view wanted) {
        if (failure_.empty()) {
            failure_ = "the token's claim " + std::string(name) + " must be " + std::string(wanted);
        }
    }

    const json::object& object_;
    std::string failure_;
};

[[nodiscard]] Result<void> check_header(std::string_view encoded) {
    const Result<json::object> header = decode_part(encoded, "header");
    if (!header) {
        return std::unexpected(header.error());
    }
    const json::value* const algorithm = header->if_contains("alg");
    if (algorithm == nullptr || !algorithm->is_string() || algorithm->get_string() != "HS256") {
        return refuse("the token must be signed with HS256, no other algorithm is accepted");
    }
    if (header->contains("crit")) {
        // RFC 7515 section 4.1.11: what we do not understand we must refuse.
        return refuse("the token's header names critical extensions, none is understood");
    }
    return {};
}

// Whether the issuer or the signature was wrong is not told: that would reveal which keys exist.
[[nodiscard]] Result<void> check_signature(std::string_view signed_part,
                                           std::string_view encoded_signature,
                                           const json::object& claims,
                                           const ApiKeys& keys) {
    const std::optional<std::string> given = http::decode_base64url(encoded_signature);
    if (!given || given->size() != kSha256Bytes) {
        return refuse("the token's signature is not 32 bytes in base64url");
    }
    const json::value* const issuer = claims.if_contains("iss");
    if (issuer == nullptr || !issuer->is_string()) {
        return refuse("the token has no issuer (claim iss), which names the API key");
    }
    const json::string& name = issuer->get_string();
    const auto key = keys.find(std::string_view(name.data(), name.size()));
    const bool known = key != keys.end() && !key->second.empty();
    const Signature expected =
        hmac_sha256(known ? std::string_view(key->second) : "-", signed_part);
    const bool equal = CRYPTO_memcmp(expected.data(), given->data(), expected.size()) == 0;
    if (!known || !equal) {
        return refuse("the token's signature does not fit any API key of this node");
    }
    return {};
}

[[nodiscard]] Result<VideoGrant> read_grant(const json::object& claims) {
    VideoGrant grant;
    const json::value* const video = claims.if_contains("video");
    if (video == nullptr) {
        return grant;
    }
    if (!video->is_object()) {
        return refuse("the token's claim video must be an object");
    }
    Members members(video->get_object());
    members.read("room", grant.room);
    members.read("roomJoin", grant.room_join);
    members.read("canPublish", grant.can_publish);
    members.read("canSubscribe", grant.can_subscribe);
    members.read("hidden", grant.hidden);
    members.read("recorder", grant.recorder);
    members.read("canPublishData", grant.can_publish_data);
    members.read("canPublishSources", grant.can_publish_sources);
    members.read("canUpdateOwnMetadata", grant.can_update_own_metadata);
    members.read("agent", grant.agent);
    members.read("roomAdmin", grant.room_admin);
    members.read("roomList", grant.room_list);
    members.read("roomCreate", grant.room_create);
    if (!members.failure().empty()) {
        return refuse(members.failure());
    }
    return grant;
}

[[nodiscard]] Result<RoomGrant> read_room_config(const json::object& claims) {
    RoomGrant grant;
    const json::value* const config = claims.if_contains("roomConfig");
    if (config == nullptr || config->is_null()) {
        return grant;
    }
    if (!config->is_object()) {
        return refuse("the token's claim roomConfig must be an object");
    }
    Members members(config->get_object());
    members.read("emptyTimeout", grant.empty_timeout_s);
    members.read("departureTimeout", grant.departure_timeout_s);
    members.read("maxParticipants", grant.participants_max);
    members.read("metadata", grant.metadata);
    if (!members.failure().empty()) {
        return refuse(members.failure());
    }
    return grant;
}

[[nodiscard]] Result<AccessToken> read_claims(const json::object& claims) {
    AccessToken token;
    std::optional<std::int64_t> expires;
    std::optional<std::int64_t> not_before;
    Members members(claims);
    members.read("iss", token.issuer);
    members.read("sub", token.identity);
    members.read("name", token.name);
    members.read("metadata", token.metadata);
    members.read("attributes", token.attributes);
    members.read("kind", token.kind);
    members.read_date("exp", expires);
    members.read_date("nbf", not_before);
    if (!members.failure().empty()) {
        return refuse(members.failure());
    }
    if (!expires) {
        return refuse("the token has no end (claim exp)");
    }
    if (token.identity.size() > kIdentityBytesMax || http::has_control_characters(token.identity)) {
        return refuse("the token's identity (claim sub) is longer than " +
                      std::to_string(kIdentityBytesMax) + " bytes or contains control characters");
    }
    token.expires_unix_s = *expires;
    token.not_before_unix_s = not_before.value_or(0);
    Result<VideoGrant> grant = read_grant(claims);
    if (!grant) {
        return std::unexpected(std::move(grant.error()));
    }
    token.video = std::move(*grant);
    Result<RoomGrant> room_config = read_room_config(claims);
    if (!room_config) {
        return std::unexpected(std::move(room_config.error()));
    }
    token.room_config = std::move(*room_config);
    return token;
}

[[nodiscard]] json::object grant_members(const VideoGrant& grant) {
    json::object members;
    if (!grant.room.empty()) {
        members["room"] = grant.room;
    }
    const auto put_if_true = [&members](std::string_view name, bool value) {
        if (value) {
            members[name] = true;
        }
    };
    put_if_true("roomJoin", grant.room_join);
    members["canPublish"] = grant.can_publish;
    members["canSubscribe"] = grant.can_subscribe;
    put_if_true("hidden", grant.hidden);
    put_if_true("recorder", grant.recorder);
    put_if_true("agent", grant.agent);
    put_if_true("canUpdateOwnMetadata", grant.can_update_own_metadata);
    if (grant.can_publish_data) {
        members["canPublishData"] = *grant.can_publish_data;
    }
    if (!grant.can_publish_sources.empty()) {
        members["canPublishSources"] =
            json::array(grant.can_publish_sources.begin(), grant.can_publish_sources.end());
    }
    put_if_true("roomAdmin", grant.room_admin);
    put_if_true("roomList", grant.room_list);
    put_if_true("roomCreate", grant.room_create);
    return members;
}

}  // namespace

Result<AccessToken> verify_token(std::string_view jwt,
                                 const ApiKeys& keys,
                                 std::int64_t now_unix_s) {
    if (jwt.empty()) {
        return refuse("a token is needed: send Authorization: Bearer with a JWT");
    }
    if (jwt.size() > kTokenBytesMax) {
        return refuse("the token is longer than " + std::to_string(kTokenBytesMax) + " bytes");
    }
    const std::size_t first_dot = jwt.find('.');
    const std::size_t second_dot =
        first_dot == std::string_view::npos ? first_dot : jwt.find('.', first_dot + 1);
    if (second_dot == std::string_view::npos ||
        jwt.find('.', second_dot + 1) != std::string_view::npos) {
        return refuse("the token is not a JWT: it must have three parts with dots between them");
    }
    if (Result<void> header = check_header(jwt.substr(0, first_dot)); !header) {
        return std::unexpected(std::move(header.error()));
    }
    const Result<json::object> claims =
        decode_part(jwt.substr(first_dot + 1, second_dot - first_dot - 1), "claims");
    if (!claims) {
        return std::unexpected(claims.error());
    }
    if (Result<void> signature =
            check_signature(jwt.substr(0, second_dot), jwt.substr(second_dot + 1), *claims, keys);
        !signature) {
        return std::unexpected(std::move(signature.error()));
    }
    Result<AccessToken> token = read_claims(*claims);
    if (!token) {
        return token;
    }
    if (now_unix_s - kLeewayS >= token->expires_unix_s) {
        return refuse("the token has expired, ask for a new one");
    }
    if (now_unix_s + kLeewayS < token->not_before_unix_s) {
        return refuse("the token is not valid yet (claim nbf), check the clocks");
    }
    return token;
}

std::string sign_token(const AccessToken& token, std::string_view secret) {
    json::object claims;
    claims["iss"] = token.issuer;
    if (!token.identity.empty()) {
        claims["sub"] = token.identity;
    }
    if (!token.name.empty()) {
        claims["name"] = token.name;
    }
    if (!token.metadata.empty()) {
        claims["metadata"] = token.metadata;
    }
    if (!token.attributes.empty()) {
        json::object attributes;
        for (const auto& [name, value] : token.attributes) {
            attributes[name] = value;
        }
        claims["attributes"] = std::move(attributes);
    }
    if (!token.kind.empty()) {
        claims["kind"] = token.kind;
    }
    if (token.not_before_unix_s != 0) {
        claims["nbf"] = token.not_before_unix_s;
    }
    claims["exp"] = token.expires_unix_s;
    claims["video"] = grant_members(token.video);
    return sign_claims(json::serialize(claims), secret);
}

std::string sign_claims(std::string_view claims_json, std::string_view secret) {
    std::string jwt = http::encode_base64url(R"({"alg":"HS256","typ":"JWT"})") + "." +
                      http::encode_base64url(claims_json);
    const Signature signature = hmac_sha256(secret, jwt);
    jwt += "." + http::encode_base64url(signature);
    return jwt;
}

}  // namespace isthmus::signaling::access
