#include "signaling/livekit/livekit_endpoint.h"

#include <memory>
#include <string>
#include <utility>

#include "signaling/livekit/join_request.h"
#include "signaling/livekit/permissions.h"

namespace isthmus::signaling::livekit {
namespace {

using http::Request;
using http::Responder;
using http::Response;

// Fetch Standard, section 3.3: a page may read the answer, and send what it likes.
[[nodiscard]] Response with_cors(Response response) {
    response.headers.emplace("Access-Control-Allow-Origin", "*");
    response.headers.emplace("Access-Control-Allow-Methods", "OPTIONS, HEAD, GET, POST");
    response.headers.emplace("Access-Control-Allow-Headers", "*");
    response.headers.emplace("Access-Control-Max-Age", "86400");
    return response;
}

}  // namespace

LiveKitEndpoint::LiveKitEndpoint(access::ApiKeys keys,
                                 Rooms& rooms,
                                 std::function<std::int64_t()> now_unix_s)
    : keys_(std::move(keys)), rooms_(&rooms), now_unix_s_(std::move(now_unix_s)) {}

std::expected<Admission, Response> LiveKitEndpoint::admit(const Request& request, bool dual) {
    auto token = authorize_join(request, keys_, now_unix_s_());
    if (!token) {
        return std::unexpected(std::move(token.error()));
    }
    if (std::optional<Response> refusal = rooms_->check(*token)) {
        return std::unexpected(std::move(*refusal));
    }
    Admission admission{.token = std::move(*token), .join = {}, .dual = dual};
    if (dual) {
        admission.join = read_query(request);
        return admission;
    }
    auto join = read_join_request(request);
    if (!join) {
        return std::unexpected(Response::text(400, std::move(join.error())));
    }
    admission.join = std::move(*join);
    return admission;
}

void LiveKitEndpoint::add_protocol(http::Router& router, const std::string& path, bool dual) {
    router.add_web_socket(path,
                          [this, dual](const Request& request)
                              -> std::expected<std::unique_ptr<http::WebSocketUser>, Response> {
                              auto admission = admit(request, dual);
                              if (!admission) {
                                  return std::unexpected(with_cors(std::move(admission.error())));
                              }
                              return std::make_unique<SignalSocket>(*rooms_, std::move(*admission));
                          });
    router.add("GET", path + "/validate", [this, dual](const Request& request, Responder respond) {
        auto admission = admit(request, dual);
        respond(
            with_cors(admission ? Response::text(200, "success") : std::move(admission.error())));
    });
    router.finish_refusals(path + "/validate", [](Response response, Responder respond) {
        respond(with_cors(std::move(response)));
    });
}

void LiveKitEndpoint::add_routes(http::Router& router) {
    add_protocol(router, "/rtc/v1", false);
    add_protocol(router, "/rtc", true);
}

}  // namespace isthmus::signaling::livekit
