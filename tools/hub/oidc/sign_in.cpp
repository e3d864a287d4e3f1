#include "tools/hub/oidc/sign_in.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "control-agent/channel/crypto.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

constexpr std::string_view kContext = "oidc.sign-in";
constexpr std::size_t kSealedBytesMax = 4096;

}  // namespace

std::string seal_sign_in(const MasterKey& key, RandomSource& random, const SignIn& sign_in) {
    return key.seal(random,
                    kContext,
                    json::serialize(json::object{{"organisation", sign_in.organisation},
                                                 {"nonce", sign_in.nonce},
                                                 {"verifier", sign_in.verifier},
                                                 {"challenge", sign_in.challenge},
                                                 {"return_to", sign_in.return_to},
                                                 {"return_state", sign_in.return_state},
                                                 {"begun_s", sign_in.begun_s}}));
}

std::optional<SignIn> open_sign_in(const MasterKey& key,
                                   std::string_view sealed,
                                   std::int64_t now_s) {
    if (sealed.size() > kSealedBytesMax) {
        return std::nullopt;
    }
    const auto text = key.open(kContext, sealed);
    const auto value = text ? channel::parse_json(*text, kSealedBytesMax) : std::nullopt;
    if (!value) {
        return std::nullopt;
    }
    const auto field = [&](std::string_view name) {
        return channel::text_field(*value, name).value_or("");
    };
    SignIn sign_in{.organisation = field("organisation"),
                   .nonce = field("nonce"),
                   .verifier = field("verifier"),
                   .challenge = field("challenge"),
                   .return_to = field("return_to"),
                   .return_state = field("return_state"),
                   .begun_s = channel::integer_field(*value, "begun_s").value_or(0)};
    // A clock that was set back does not make it last longer.
    const std::int64_t age_s = now_s - sign_in.begun_s;
    if (age_s < -kSignInSeconds || age_s >= kSignInSeconds) {
        return std::nullopt;
    }
    return sign_in;
}

bool is_loopback_address(std::string_view url) {
    constexpr std::size_t kBytesMax = 256;
    constexpr std::string_view kFour = "http://127.0.0.1:";
    constexpr std::string_view kSix = "http://[::1]:";
    if (url.size() > kBytesMax || (!url.starts_with(kFour) && !url.starts_with(kSix))) {
        return false;
    }
    url.remove_prefix(url.starts_with(kFour) ? kFour.size() : kSix.size());
    unsigned port = 0;
    const auto [end, error] = std::from_chars(url.data(), url.data() + url.size(), port);
    const std::string_view path(end, static_cast<std::size_t>(url.data() + url.size() - end));
    constexpr unsigned kPortMax = 65'535;
    return error == std::errc() && port > 0 && port <= kPortMax && path.starts_with('/') &&
           std::ranges::all_of(path, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '/' || c == '-' || c == '_';
           });
}

bool is_challenge(std::string_view text) {
    const auto bytes = http::decode_base64url(text);
    return bytes && bytes->size() == channel::kHashBytes;
}

}  // namespace isthmus::hub::oidc
