#include "tools/hub/oidc/id_token.h"

#include <cmath>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/http/base64url.h"
#include "base/http/utf8.h"
#include "control-agent/channel/crypto.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

struct Parts {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
    std::string_view signed_text;  // header and payload with the dot between
};

std::optional<Parts> split(std::string_view text) {
    const std::size_t first = text.find('.');
    const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
    if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
        return std::nullopt;
    }
    return Parts{.header = text.substr(0, first),
                 .payload = text.substr(first + 1, second - first - 1),
                 .signature = text.substr(second + 1),
                 .signed_text = text.substr(0, second)};
}

std::optional<json::value> decode_object(std::string_view encoded) {
    const auto text = http::decode_base64url(encoded);
    auto value = text ? channel::parse_json(*text, kTokenBytesMax) : std::nullopt;
    return value && value->is_object() ? std::move(value) : std::nullopt;
}

// RFC 7519 section 2: seconds, which may have a fraction.
std::optional<std::int64_t> numeric_date(const json::value& claims, std::string_view name) {
    const json::value* value = channel::find_field(claims, name);
    if (value == nullptr) {
        return std::nullopt;
    }
    constexpr double kMax = 1e15;  // far beyond every date, and exact in a double
    const double number = value->is_int64()    ? static_cast<double>(value->get_int64())
                          : value->is_uint64() ? static_cast<double>(value->get_uint64())
                          : value->is_double() ? value->get_double()
                                               : NAN;
    if (!(std::abs(number) <= kMax)) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(number);
}

bool names_audience(const json::value& claims, const std::string& client_id, bool& alone) {
    const json::value* audience = channel::find_field(claims, "aud");
    alone = true;
    if (audience == nullptr) {
        return false;
    }
    if (audience->is_string()) {
        return audience->get_string() == client_id;
    }
    if (!audience->is_array()) {
        return false;
    }
    bool named = false;
    for (const json::value& one : audience->get_array()) {
        const bool ours = one.is_string() && one.get_string() == client_id;
        named = named || ours;
        alone = alone && ours;
    }
    return named;
}

std::optional<TokenFault> check_parties(const json::value& claims, const ExpectedToken& expected) {
    if (channel::text_field(claims, "iss") != expected.issuer) {
        return TokenFault::kIssuer;
    }
    bool alone = true;
    if (!names_audience(claims, expected.client_id, alone)) {
        return TokenFault::kAudience;
    }
    // Where others are meant too, the token must say that it was made for us.
    const bool has_party = channel::find_field(claims, "azp") != nullptr;
    if ((has_party || !alone) && channel::text_field(claims, "azp") != expected.client_id) {
        return TokenFault::kAuthorizedParty;
    }
    return std::nullopt;
}

std::optional<TokenFault> check_times(const json::value& claims, const ExpectedToken& expected) {
    const auto expires_s = numeric_date(claims, "exp");
    if (!expires_s || *expires_s + kSkewSeconds <= expected.now_s) {
        return TokenFault::kExpired;
    }
    const auto issued_s = numeric_date(claims, "iat");
    if (!issued_s || *issued_s > expected.now_s + kSkewSeconds ||
        *issued_s < expected.begun_s - kSkewSeconds) {
        return TokenFault::kIssuedAt;
    }
    if (channel::find_field(claims, "nbf") != nullptr) {
        const auto begins_s = numeric_date(claims, "nbf");
        if (!begins_s || *begins_s > expected.now_s + kSkewSeconds) {
            return TokenFault::kIssuedAt;
        }
    }
    return std::nullopt;
}

std::optional<TokenFault> check_signature(const Parts& parts, const Jwks& keys) {
    const auto header = decode_object(parts.header);
    const auto signature = http::decode_base64url(parts.signature);
    if (!header || !signature) {
        return TokenFault::kMalformed;
    }
    // What must be understood and is not (RFC 7515 section 4.1.11).
    if (channel::find_field(*header, "crit") != nullptr) {
        return TokenFault::kMalformed;
    }
    const auto algorithm = parse_algorithm(channel::text_field(*header, "alg").value_or(""));
    if (!algorithm) {
        return TokenFault::kAlgorithm;
    }
    const Jwk* key = keys.find(channel::text_field(*header, "kid").value_or(""), *algorithm);
    if (key == nullptr) {
        return TokenFault::kUnknownKey;
    }
    return key->verifies(parts.signed_text, *signature) ? std::nullopt
                                                        : std::optional(TokenFault::kSignature);
}

}  // namespace

std::string_view to_string(TokenFault fault) {
    switch (fault) {
        case TokenFault::kMalformed:
            return "the ID token is malformed";
        case TokenFault::kAlgorithm:
            return "the ID token is signed by an algorithm other than RS256, ES256 and EdDSA";
        case TokenFault::kUnknownKey:
            return "the ID token is signed by a key that the provider does not publish";
        case TokenFault::kSignature:
            return "the signature of the ID token is wrong";
        case TokenFault::kIssuer:
            return "the ID token is of another issuer";
        case TokenFault::kAudience:
            return "the ID token was made for another client";
        case TokenFault::kAuthorizedParty:
            return "the ID token names another authorized party";
        case TokenFault::kExpired:
            return "the ID token has run out; check the clocks of provider and hub";
        case TokenFault::kIssuedAt:
            return "the ID token was not made for this sign-in; check the clocks of provider and "
                   "hub";
        case TokenFault::kNonce:
            return "the ID token belongs to another sign-in";
        case TokenFault::kSubject:
            break;
    }
    return "the ID token names nobody";
}

std::expected<IdToken, TokenFault> read_id_token(std::string_view text,
                                                 const Jwks& keys,
                                                 const ExpectedToken& expected) {
    const auto parts = text.size() <= kTokenBytesMax ? split(text) : std::nullopt;
    if (!parts) {
        return std::unexpected(TokenFault::kMalformed);
    }
    if (const auto fault = check_signature(*parts, keys)) {
        return std::unexpected(*fault);
    }
    auto claims = decode_object(parts->payload);
    if (!claims) {
        return std::unexpected(TokenFault::kMalformed);
    }
    if (const auto fault = check_parties(*claims, expected)) {
        return std::unexpected(*fault);
    }
    if (const auto fault = check_times(*claims, expected)) {
        return std::unexpected(*fault);
    }
    const auto nonce = channel::text_field(*claims, "nonce");
    if (!nonce || !channel::equal_secrets(*nonce, expected.nonce)) {
        return std::unexpected(TokenFault::kNonce);
    }
    auto subject = channel::text_field(*claims, "sub");
    if (!subject || subject->empty() || subject->size() > kSubjectBytesMax ||
        http::has_control_characters(*subject)) {
        return std::unexpected(TokenFault::kSubject);
    }
    return IdToken{.subject = std::move(*subject), .claims = std::move(claims->get_object())};
}

}  // namespace isthmus::hub::oidc
