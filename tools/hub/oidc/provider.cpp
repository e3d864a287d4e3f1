#include "tools/hub/oidc/provider.h"

#include <initializer_list>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/http/base64url.h"
#include "base/http/credentials.h"
#include "base/http/percent_encoding.h"
#include "base/http/utf8.h"
#include "control-agent/channel/crypto.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

constexpr std::size_t kUrlBytesMax = 2048;

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string form(const Fields& fields) {
    std::string out;
    for (const auto& [name, value] : fields) {
        out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, http::percent_encode(value));
    }
    return out;
}

std::string fault_of_endpoint(const std::string& url) {
    if (!url.starts_with("https://")) {
        return "is not an https:// address";
    }
    if (url.size() > kUrlBytesMax || url.contains('#') || !http::is_utf8(url) ||
        http::has_control_characters(url)) {
        return "is too long, or has a fragment or characters that no address has";
    }
    return http::fault_of_url(url);
}

std::unexpected<Error> bad_document(std::string what) {
    return make_error(ErrorCode::kInvalidArgument,
                      fmt::format("the provider's discovery document {}", std::move(what)));
}

// `methods` absent means client_secret_basic (Discovery section 3).
bool takes_secret_in_header(const json::value& document) {
    const json::value* methods =
        channel::find_field(document, "token_endpoint_auth_methods_supported");
    if (methods == nullptr || !methods->is_array()) {
        return true;
    }
    bool post = false;
    for (const json::value& method : methods->get_array()) {
        if (method == json::value("client_secret_basic")) {
            return true;
        }
        post = post || method == json::value("client_secret_post");
    }
    return !post;
}

}  // namespace

std::string plain_text(std::string_view text) {
    constexpr std::size_t kBytesMax = 200;
    std::string out = http::repair_utf8(text.substr(0, kBytesMax));
    for (char& c : out) {
        const auto byte = static_cast<unsigned char>(c);
        c = byte < 0x20 || byte == 0x7F ? ' ' : c;
    }
    return out;
}

std::string fault_of_issuer(const std::string& issuer) {
    if (auto fault = fault_of_endpoint(issuer); !fault.empty()) {
        return fmt::format("the issuer {}", fault);
    }
    return issuer.contains('?') ? "the issuer has a query, which no issuer has" : "";
}

std::string discovery_url(const std::string& issuer) {
    return fmt::format(
        "{}{}.well-known/openid-configuration", issuer, issuer.ends_with('/') ? "" : "/");
}

Result<Discovery> read_discovery(std::string_view text, const std::string& issuer) {
    const auto document = channel::parse_json(text, kAnswerBytesMax);
    if (!document || !document->is_object()) {
        return bad_document("is no JSON object");
    }
    if (channel::text_field(*document, "issuer") != issuer) {
        return bad_document(
            "is that of another issuer; write the issuer exactly as the provider "
            "does, with or without the slash at its end");
    }
    const auto field = [&](std::string_view name) {
        return channel::text_field(*document, name).value_or("");
    };
    Discovery read{.issuer = issuer,
                   .authorization_endpoint = field("authorization_endpoint"),
                   .token_endpoint = field("token_endpoint"),
                   .userinfo_endpoint = field("userinfo_endpoint"),
                   .jwks_uri = field("jwks_uri"),
                   .secret_in_header = takes_secret_in_header(*document)};
    for (const auto& [name, url] :
         {std::pair("authorization_endpoint", read.authorization_endpoint),
          std::pair("token_endpoint", read.token_endpoint),
          std::pair("jwks_uri", read.jwks_uri)}) {
        if (auto fault = fault_of_endpoint(url); !fault.empty()) {
            return bad_document(fmt::format("names a {} that {}", name, fault));
        }
    }
    if (!read.userinfo_endpoint.empty() && !fault_of_endpoint(read.userinfo_endpoint).empty()) {
        read.userinfo_endpoint.clear();
    }
    return read;
}

std::string challenge_of(std::string_view verifier) {
    return http::encode_base64url(channel::sha256(verifier));
}

std::string authorization_url(const Discovery& discovery, const AuthorizationRequest& request) {
    const std::string& base = discovery.authorization_endpoint;
    return fmt::format("{}{}{}",
                       base,
                       base.contains('?') ? '&' : '?',
                       form({{"response_type", "code"},
                             {"client_id", request.client_id},
                             {"redirect_uri", request.redirect_uri},
                             {"scope", request.scopes},
                             {"state", request.state},
                             {"nonce", request.nonce},
                             {"code_challenge", request.challenge},
                             {"code_challenge_method", "S256"}}));
}

http::ClientRequest token_request(const Discovery& discovery, const CodeExchange& exchange) {
    http::ClientRequest request{.method = "POST",
                                .url = discovery.token_endpoint,
                                .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                            {"Accept", "application/json"}},
                                .body = form({{"grant_type", "authorization_code"},
                                              {"code", exchange.code},
                                              {"redirect_uri", exchange.redirect_uri},
                                              {"code_verifier", exchange.verifier}})};
    if (!exchange.client_secret.empty() && discovery.secret_in_header) {
        // Encoded before they are joined (RFC 6749 section 2.3.1).
        request.headers.emplace(
            "Authorization",
            http::basic_authorization({.user = http::percent_encode(exchange.client_id),
                                       .password = http::percent_encode(exchange.client_secret)}));
        return request;
    }
    request.body += "&" + form({{"client_id", exchange.client_id}});
    if (!exchange.client_secret.empty()) {
        request.body += "&" + form({{"client_secret", exchange.client_secret}});
    }
    return request;
}

Result<Tokens> read_tokens(const http::Response& response) {
    const auto value = channel::parse_json(response.body, kAnswerBytesMax);
    if (response.status != 200) {
        const auto error = value ? channel::text_field(*value, "error") : std::nullopt;
        const auto more = value ? channel::text_field(*value, "error_description") : std::nullopt;
        return make_error(ErrorCode::kPermissionDenied,
                          fmt::format("the provider gives no tokens for the code: status {} {} {}",
                                      response.status,
                                      plain_text(error.value_or("")),
                                      plain_text(more.value_or(""))));
    }
    auto id_token = value ? channel::text_field(*value, "id_token") : std::nullopt;
    if (!id_token) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the provider's answer holds no ID token; is \"openid\" among the "
                          "scopes, and is it a provider of OpenID Connect?");
    }
    return Tokens{.id_token = std::move(*id_token),
                  .access_token = channel::text_field(*value, "access_token").value_or("")};
}

http::ClientRequest userinfo_request(const Discovery& discovery, const std::string& access_token) {
    return {
        .method = "GET",
        .url = discovery.userinfo_endpoint,
        .headers = {{"Authorization", "Bearer " + access_token}, {"Accept", "application/json"}},
        .body = {}};
}

Result<json::object> read_userinfo(const http::Response& response, const std::string& subject) {
    auto value = channel::parse_json(response.body, kAnswerBytesMax);
    if (response.status != 200 || !value || !value->is_object()) {
        return make_error(
            ErrorCode::kPermissionDenied,
            fmt::format("the provider's UserInfo answers with status {}", response.status));
    }
    if (channel::text_field(*value, "sub") != subject) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the provider's UserInfo speaks of somebody else");
    }
    return std::move(value->get_object());
}

}  // namespace isthmus::hub::oidc
