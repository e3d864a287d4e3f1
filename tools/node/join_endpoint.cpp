#include "tools/node/join_endpoint.h"

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/error.h"
#include "base/http/utf8.h"
#include "signaling/access/token.h"

namespace isthmus::node {
namespace {

namespace json = boost::json;

using http::Request;
using http::Responder;
using http::Response;

// As long as a working day; the page asks again when it joins again.
constexpr std::chrono::seconds kTtl = std::chrono::hours(12);
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kConferenceBytesMax = 256;

Result<std::string> read_name(const std::string& body) {
    boost::system::error_code failure;
    const json::value parsed = json::parse(body, failure);
    const json::object* const object = failure ? nullptr : parsed.if_object();
    const json::value* const name = object != nullptr ? object->if_contains("name") : nullptr;
    if (name == nullptr || !name->is_string()) {
        return make_error(ErrorCode::kInvalidArgument,
                          R"(The body must be JSON with a name: {"name": "Alice"}.)");
    }
    const json::string& text = name->get_string();
    if (text.empty() || text.size() > kNameBytesMax || !http::is_utf8(text)) {
        return make_error(ErrorCode::kInvalidArgument,
                          "The name must have 1 to 128 bytes of UTF-8.");
    }
    return std::string(text);
}

// What a person can recognise in a list: letters and digits in lower case, all else as hyphens.
std::string identity_of(std::string_view name, const std::string& random) {
    std::string identity;
    for (const char c : name) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (upper || kept) {
            identity += upper ? static_cast<char>(c - 'A' + 'a') : c;
        } else if (!identity.empty() && identity.back() != '-') {
            identity += '-';
        }
    }
    if (!identity.empty() && identity.back() != '-') {
        identity += '-';
    }
    return identity + random;
}

Response make_token(const Request& request,
                    const JoinEndpointConfig& config,
                    std::int64_t now_unix_s,
                    const std::string& random) {
    const std::string& conference = request.parameters.at("conference");
    if (conference.size() > kConferenceBytesMax || !http::is_utf8(conference)) {
        return Response::problem(400, "The conference's name must have 1 to 256 bytes of UTF-8.");
    }
    const Result<std::string> name = read_name(request.body);
    if (!name) {
        return Response::problem(name.error());
    }
    const std::string identity = identity_of(*name, random);
    const std::string token = signaling::access::sign_token(
        {.issuer = config.key,
         .identity = identity,
         .name = *name,
         .metadata = {},
         .not_before_unix_s = 0,
         .expires_unix_s = now_unix_s + kTtl.count(),
         .video = {.room = conference, .room_join = true, .can_update_own_metadata = true}},
        config.secret);
    Response response = Response::json(200,
                                       json::serialize(json::object{{"token", token},
                                                                    {"conference", conference},
                                                                    {"identity", identity},
                                                                    {"name", *name}}));
    response.headers.emplace("Cache-Control", "no-store");
    return response;
}

}  // namespace

void add_join_route(http::Router& router,
                    JoinEndpointConfig config,
                    std::function<std::int64_t()> now_unix_s,
                    std::function<std::string()> random_token) {
    router.add(
        "POST",
        "/meet/{conference}/join",
        [config = std::move(config), now = std::move(now_unix_s), random = std::move(random_token)](
            const Request& request, Responder respond) {
            respond(make_token(request, config, now(), random()));
        });
}

}  // namespace isthmus::node
