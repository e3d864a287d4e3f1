// POST: from the offer to the answer.
#include <optional>
#include <utility>

#include "base/http/percent_encoding.h"
#include "base/http/utf8.h"
#include "base/log.h"
#include "signaling/sdp/answer.h"
#include "signaling/whip/media_types.h"
#include "signaling/whip/whip_endpoint.h"

namespace isthmus::signaling::whip {

using access::AccessToken;
using http::Request;
using http::Responder;
using http::Response;
using media::JoinRequest;
using media::JoinResult;

namespace {

// 5.95 bits each: 142 bits, where RFC 9725 section 4.4 wants a URL that cannot be guessed.
constexpr std::size_t kSessionNameCharacters = 24;
constexpr std::size_t kIdentityCharacters = 12;
constexpr std::size_t kIdentitySuffixCharacters = 8;
constexpr std::size_t kWatchIdentityBytesMax = 300;

[[nodiscard]] std::string_view root_of(sdp::Role role) {
    return role == sdp::Role::kPublisher ? "/whip/" : "/whep/";
}

[[nodiscard]] unsigned status_of(sdp::NegotiationFailure failure) {
    return failure == sdp::NegotiationFailure::kMalformed ? 400 : 406;
}

// What an ICE restart's answer will repeat: the BUNDLE and the section with the candidates.
[[nodiscard]] sdp::TrickleFragment fragment_of(const sdp::SessionDescription& answer) {
    sdp::TrickleFragment fragment;
    fragment.ice_lite = true;
    if (!answer.bundle_groups.empty()) {
        fragment.bundle = answer.bundle_groups.front();
    }
    for (const sdp::MediaDescription& media : answer.media) {
        if (media.end_of_candidates) {
            fragment.sections.push_back({.media_line = media.media + " " +
                                                       std::to_string(media.port) + " " +
                                                       media.protocol + " " + media.formats.front(),
                                         .mid = media.mid,
                                         .candidates = {},
                                         .end_of_candidates = true});
        }
    }
    return fragment;
}

}  // namespace

// A POST that passed every check, while the switchboard makes the connection.
struct WhipEndpoint::PendingJoin {
    sdp::Role role = sdp::Role::kPublisher;
    SessionOwner owner;
    JoinRequest request;
    sdp::SessionDescription offer;
    sdp::NegotiatedSession negotiated;
};

void WhipEndpoint::handle_post(sdp::Role role, const Request& request, Responder respond) {
    std::expected<PendingJoin, Response> pending = prepare(role, request);
    if (!pending) {
        refuse(std::move(respond), std::move(pending.error()));
        return;
    }
    join(std::move(*pending), std::move(respond));
}

std::optional<Response> WhipEndpoint::check_post(const Request& request) const {
    if (!is_media_type(request.header("Content-Type"), kSdpType)) {
        Response response = Response::problem(
            415, "the body must be an SDP offer with Content-Type: application/sdp");
        response.headers.emplace("Accept-Post", kSdpType);
        return response;
    }
    if (request.body.size() > config_.sdp_limits.bytes_max) {
        return Response::problem(
            413,
            "the offer has " + std::to_string(request.body.size()) + " bytes, at most " +
                std::to_string(config_.sdp_limits.bytes_max) + " are accepted");
    }
    if (!accepting_) {
        return problem({.code = ErrorCode::kUnavailable,
                        .message = "this node takes no new sessions now, try again or elsewhere"});
    }
    if (!switchboard_.admits(request.parameters.at("conference"))) {
        Response response = Response::problem(
            503, "this node is in maintenance and begins no conference, go elsewhere");
        response.headers.emplace("Retry-After", std::to_string(config_.maintenance_retry_after_s));
        return response;
    }
    if (sessions_.size() + joins_pending_ >= config_.sessions_max) {
        return problem({.code = ErrorCode::kUnavailable,
                        .message = "this node has as many sessions as it takes (" +
                                   std::to_string(config_.sessions_max) + ")"});
    }
    if (const auto watched = request.query.find("participant"); watched != request.query.end()) {
        if (watched->second.size() > kWatchIdentityBytesMax || !http::is_utf8(watched->second) ||
            http::has_control_characters(watched->second)) {
            return Response::problem(400, "?participant= must be the identity of a participant");
        }
    }
    return std::nullopt;
}

std::expected<WhipEndpoint::PendingJoin, Response> WhipEndpoint::prepare(sdp::Role role,
                                                                         const Request& request) {
    const std::string& conference = request.parameters.at("conference");
    if (!is_conference_name(conference)) {
        return std::unexpected(Response::problem(
            400, "a conference's name has 1 to 128 characters of UTF-8, no control characters"));
    }
    const std::int64_t now = wall_clock_();
    const Result<AccessToken> token = authorize_join(request, conference, role, config_.keys, now);
    if (!token) {
        return std::unexpected(problem(token.error()));
    }
    if (std::optional<Response> refusal = check_post(request)) {
        return std::unexpected(std::move(*refusal));
    }
    Result<sdp::SessionDescription> offer =
        sdp::parse_session_description(request.body, config_.sdp_limits);
    if (!offer) {
        return std::unexpected(problem(offer.error()));
    }
    sdp::NegotiationPolicy policy;
    policy.role = role;
    policy.accept_simulcast = config_.accept_simulcast;
    auto negotiated = sdp::negotiate(*offer, policy);
    if (!negotiated) {
        return std::unexpected(
            Response::problem(status_of(negotiated.error().failure), negotiated.error().message));
    }
    PendingJoin pending{
        .role = role,
        .owner = {.issuer = token->issuer, .identity = token->identity, .created_unix_s = now},
        .request = make_join_request(role, request, *token),
        .offer = std::move(*offer),
        .negotiated = std::move(*negotiated)};
    pending.request.description = pending.negotiated.connection;
    return pending;
}

JoinRequest WhipEndpoint::make_join_request(sdp::Role role,
                                            const Request& request,
                                            const AccessToken& token) {
    JoinRequest join;
    join.conference = request.parameters.at("conference");
    if (token.identity.empty()) {
        join.identity = random_.next_token(kIdentityCharacters);
    } else if (role == sdp::Role::kPublisher) {
        join.identity = token.identity;
    } else {
        join.identity = token.identity + "~" + random_.next_token(kIdentitySuffixCharacters);
    }
    join.name = token.name.empty() ? token.identity : token.name;
    join.can_publish = role == sdp::Role::kPublisher;
    join.can_subscribe = role == sdp::Role::kViewer;
    join.hidden = token.video.hidden;
    const auto watched = request.query.find("participant");
    if (role == sdp::Role::kViewer && watched != request.query.end()) {
        join.watch_identity = watched->second;
    }
    return join;
}

void WhipEndpoint::join(PendingJoin pending, Responder respond) {
    ++joins_pending_;
    JoinRequest request = pending.request;
    switchboard_.join(std::move(request),
                      [this, pending = std::move(pending), respond = std::move(respond)](
                          Result<JoinResult> joined) mutable {
                          --joins_pending_;
                          finish_join(std::move(pending), std::move(joined), std::move(respond));
                      });
}

void WhipEndpoint::finish_join(PendingJoin pending, Result<JoinResult> joined, Responder respond) {
    if (!joined) {
        refuse(std::move(respond), problem(joined.error()));
        return;
    }
    const std::uint64_t session_id = random_.next_u64() >> 1U;
    const sdp::SessionDescription answer =
        sdp::make_answer(pending.offer, pending.negotiated, joined->local, session_id);
    const std::string name = random_.next_token(kSessionNameCharacters);
    const std::string& conference = pending.request.conference;
    Session session{.role = pending.role,
                    .conference = conference,
                    .owner = pending.owner,
                    .connection = joined->connection,
                    .etag = make_etag(),
                    .remote_ice = pending.negotiated.connection.remote_ice,
                    .fragment = fragment_of(answer)};
    Response response{.status = 201, .headers = {}, .body = sdp::write_session_description(answer)};
    response.headers.emplace("Content-Type", kSdpType);
    // A path: a proxy before us may have another scheme and host.
    response.headers.emplace(
        "Location",
        std::string(root_of(pending.role)) + http::percent_encode(conference) + "/" + name);
    response.headers.emplace("ETag", session.etag);
    response.headers.emplace("Accept-Patch", kFragmentType);
    for (const IceServerAccess& access :
         grant_ice_servers(config_.ice_servers, pending.owner.identity, wall_clock_())) {
        response.headers.emplace("Link", write_link(access));
    }
    if (pending.role == sdp::Role::kViewer) {
        response.headers.emplace(
            "Link", "<" + response.headers.find("Location")->second + "/layer>; " + kLayerRelation);
    }
    sessions_.add(name, std::move(session));
    ++counters_.created;
    log::info("whip",
              "{} {} in {} as {}",
              pending.request.identity,
              pending.role == sdp::Role::kPublisher ? "publishes" : "watches",
              conference,
              joined->participant_id);
    send(std::move(respond), std::move(response));
}

}  // namespace isthmus::signaling::whip
