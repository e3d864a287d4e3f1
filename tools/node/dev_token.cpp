#include "tools/node/dev_token.h"

#include <chrono>
#include <string>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "signaling/http/token.h"
#include "signaling/http/utf8.h"
#include "tools/node/node_config.h"

namespace isthmus::node {
namespace {

using signaling::http::Request;
using signaling::http::Responder;
using signaling::http::Response;

constexpr std::chrono::seconds kTtl = std::chrono::hours(12);

std::string query(const Request& request, std::string_view name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
}

bool wanted(const Request& request, std::string_view name) {
    const std::string value = query(request, name);
    return value != "0" && value != "false";
}

Response make_token(const Request& request, std::int64_t now_unix_s) {
    const std::string conference = query(request, "conference");
    const std::string identity = query(request, "identity");
    const std::string name = query(request, "name");
    if (conference.empty() || identity.empty()) {
        return Response::problem(400, "Say conference and identity in the query.");
    }
    if (!signaling::http::is_utf8(conference + identity + name)) {
        return Response::problem(400, "The query is not UTF-8.");
    }
    const std::string token =
        signaling::http::sign_token({.issuer = std::string(kDevKey),
                                     .identity = identity,
                                     .name = name,
                                     .metadata = {},
                                     .not_before_unix_s = 0,
                                     .expires_unix_s = now_unix_s + kTtl.count(),
                                     .video = {.room = conference,
                                               .room_join = true,
                                               .can_publish = wanted(request, "publish"),
                                               .can_subscribe = wanted(request, "subscribe"),
                                               // The page lists who is there.
                                               .room_admin = true}},
                                    kDevSecret);
    Response response =
        Response::json(200,
                       boost::json::serialize(boost::json::object{
                           {"token", token}, {"conference", conference}, {"identity", identity}}));
    response.headers.emplace("Cache-Control", "no-store");
    return response;
}

}  // namespace

void add_dev_token_route(signaling::http::Router& router,
                         std::function<std::int64_t()> now_unix_s) {
    router.add("GET",
               "/dev/token",
               [now = std::move(now_unix_s)](const Request& request, Responder respond) {
                   respond(make_token(request, now()));
               });
}

}  // namespace isthmus::node
