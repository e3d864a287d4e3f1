#include "signaling/whip/whip_endpoint.h"

#include <utility>

#include "base/log.h"
#include "signaling/whip/media_types.h"

namespace isthmus::signaling::whip {

using http::Request;
using http::Responder;
using http::Response;

namespace {

constexpr std::size_t kEtagCharacters = 16;

}  // namespace

WhipEndpoint::WhipEndpoint(WhipConfig config,
                           media::Switchboard& switchboard,
                           RandomSource& random,
                           WallClock wall_clock)
    : config_(std::move(config)),
      switchboard_(switchboard),
      random_(random),
      wall_clock_(std::move(wall_clock)) {
    switchboard_.on_connection_gone(
        [this](const media::ConnectionGone& gone) { handle_gone(gone); });
}

void WhipEndpoint::handle_gone(const media::ConnectionGone& gone) {
    if (sessions_.erase(gone.connection)) {
        log::info("whip", "session of {} in {} is gone", gone.identity, gone.conference);
    }
}

void WhipEndpoint::add_routes(http::Router& router) {
    add_routes_of(router, sdp::Role::kPublisher, "/whip");
    add_routes_of(router, sdp::Role::kViewer, "/whep");
    const std::string layer = "/whep/{conference}/{session}/layer";
    router.add("POST", layer, [this](const Request& request, Responder respond) {
        handle_layer(request, std::move(respond));
    });
    router.add("OPTIONS", layer, [this](const Request&, Responder respond) {
        Response response{.status = 200, .headers = {}, .body = {}};
        response.headers.emplace("Allow", kEndpointMethods);
        response.headers.emplace("Accept-Post", kJsonType);
        send(std::move(respond), std::move(response));
    });
    finish_refusals(router, layer);
}

void WhipEndpoint::add_routes_of(http::Router& router, sdp::Role role, const std::string& root) {
    const std::string endpoint = root + "/{conference}";
    const std::string session = endpoint + "/{session}";
    router.add("POST", endpoint, [this, role](const Request& request, Responder respond) {
        handle_post(role, request, std::move(respond));
    });
    router.add("OPTIONS", endpoint, [this, role](const Request& request, Responder respond) {
        handle_endpoint_options(role, request, std::move(respond));
    });
    router.add("OPTIONS", session, [this](const Request&, Responder respond) {
        handle_session_options(std::move(respond));
    });
    router.add("PATCH", session, [this, role](const Request& request, Responder respond) {
        handle_patch(role, request, std::move(respond));
    });
    router.add("DELETE", session, [this, role](const Request& request, Responder respond) {
        handle_delete(role, request, std::move(respond));
    });
    finish_refusals(router, endpoint);
    finish_refusals(router, session);
}

void WhipEndpoint::finish_refusals(http::Router& router, const std::string& pattern) {
    router.finish_refusals(pattern, [this](Response response, Responder respond) {
        send(std::move(respond), std::move(response));
    });
}

// With a token that could join, the answer names the ICE servers too, so that a client can
// configure them before it gathers (RFC 9725 section 4.6 gives them with the 201 only, which is too
// late for a client behind a firewall that does not trickle). A preflight never has a token.
void WhipEndpoint::handle_endpoint_options(sdp::Role role,
                                           const Request& request,
                                           Responder respond) {
    Response response{.status = 200, .headers = {}, .body = {}};
    response.headers.emplace("Allow", kEndpointMethods);
    response.headers.emplace("Accept-Post", kSdpType);
    const std::int64_t now = wall_clock_();
    const auto token =
        authorize_join(request, request.parameters.at("conference"), role, config_.keys, now);
    if (token) {
        for (const IceServerAccess& access :
             grant_ice_servers(config_.ice_servers, token->identity, now)) {
            response.headers.emplace("Link", write_link(access));
        }
    }
    send(std::move(respond), std::move(response));
}

void WhipEndpoint::handle_session_options(Responder respond) {
    Response response{.status = 200, .headers = {}, .body = {}};
    response.headers.emplace("Allow", kSessionMethods);
    response.headers.emplace("Accept-Patch", kFragmentType);
    send(std::move(respond), std::move(response));
}

WhipStats WhipEndpoint::stats() const {
    WhipStats stats = counters_;
    stats.publishers = sessions_.count(sdp::Role::kPublisher);
    stats.viewers = sessions_.count(sdp::Role::kViewer);
    return stats;
}

std::string WhipEndpoint::make_etag() {
    return "\"" + random_.next_token(kEtagCharacters) + "\"";
}

Response WhipEndpoint::problem(const Error& error) const {
    Response response = Response::problem(error);
    if (response.status == 503) {
        response.headers.emplace("Retry-After", std::to_string(config_.retry_after_s));
    }
    return response;
}

void WhipEndpoint::send(Responder respond, Response response) const {
    http::Headers& headers = response.headers;
    headers.emplace("Access-Control-Allow-Origin", config_.allow_origin);
    if (config_.allow_origin != "*") {
        headers.emplace("Vary", "Origin");
    }
    headers.emplace("Access-Control-Allow-Methods", "DELETE, OPTIONS, PATCH, POST");
    headers.emplace("Access-Control-Allow-Headers", "authorization, content-type, if-match");
    headers.emplace("Access-Control-Expose-Headers",
                    "Accept-Patch, Accept-Post, Allow, ETag, Link, Location, Retry-After, "
                    "WWW-Authenticate");
    headers.emplace("Access-Control-Max-Age", "86400");
    respond(std::move(response));
}

void WhipEndpoint::refuse(Responder respond, Response response) {
    ++counters_.refused;
    send(std::move(respond), std::move(response));
}

}  // namespace isthmus::signaling::whip
