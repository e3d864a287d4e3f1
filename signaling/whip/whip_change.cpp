// PATCH and DELETE on a session's URL.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "signaling/sdp/answer.h"
#include "signaling/whip/media_types.h"
#include "signaling/whip/whip_endpoint.h"

namespace isthmus::signaling::whip {

using http::Request;
using http::Responder;
using http::Response;
using media::sfu::LocalDescription;
using media::transport::IceCredentials;

namespace {

enum class Precondition : std::uint8_t { kNone, kHolds, kFails };

[[nodiscard]] std::string_view trim(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ') || text.ends_with('\t')) {
        text.remove_suffix(1);
    }
    return text;
}

// RFC 9110 section 13.1.1: "*" or a list of tags, compared strongly. Our tags have no comma. Some
// clients drop the quotes; what is left is as hard to guess.
[[nodiscard]] Precondition check_if_match(const Request& request, std::string_view etag) {
    if (!request.headers.contains("If-Match")) {
        return Precondition::kNone;
    }
    std::string_view tags = request.header("If-Match");
    while (!tags.empty()) {
        const std::size_t end = std::min(tags.find(','), tags.size());
        const std::string_view tag = trim(tags.substr(0, end));
        if (tag == "*" || tag == etag || tag == etag.substr(1, etag.size() - 2)) {
            return Precondition::kHolds;
        }
        tags.remove_prefix(std::min(end + 1, tags.size()));
    }
    return Precondition::kFails;
}

}  // namespace

std::expected<Session*, Response> WhipEndpoint::find_session(sdp::Role role,
                                                             const Request& request) {
    Session* const session = sessions_.find(request.parameters.at("session"));
    if (session == nullptr || session->role != role ||
        session->conference != request.parameters.at("conference")) {
        return std::unexpected(
            Response::problem(404, "there is no such session, it may have ended"));
    }
    if (Result<void> allowed =
            authorize_change(request, session->owner, config_.keys, wall_clock_());
        !allowed) {
        return std::unexpected(problem(allowed.error()));
    }
    return session;
}

void WhipEndpoint::handle_patch(sdp::Role role, const Request& request, Responder respond) {
    const std::expected<Session*, Response> found = find_session(role, request);
    if (!found) {
        send(std::move(respond), found.error());
        return;
    }
    Session& session = **found;
    if (!is_media_type(request.header("Content-Type"), kFragmentType)) {
        Response response = Response::problem(
            415,
            std::string("the body must be an SDP fragment with Content-Type: ") + kFragmentType);
        response.headers.emplace("Accept-Patch", kFragmentType);
        send(std::move(respond), std::move(response));
        return;
    }
    if (request.body.size() > sdp::kTrickleFragmentBytesMax) {
        send(std::move(respond), Response::problem(413, "the SDP fragment is too long"));
        return;
    }
    const Result<sdp::TrickleFragment> fragment = sdp::parse_trickle_fragment(request.body);
    if (!fragment) {
        send(std::move(respond), problem(fragment.error()));
        return;
    }
    const Precondition precondition = check_if_match(request, session.etag);
    if (precondition == Precondition::kFails) {
        send(std::move(respond),
             Response::problem(412, "If-Match names an earlier ICE session, ICE was restarted"));
        return;
    }
    const std::optional<IceCredentials>& remote = fragment->credentials;
    if (!remote || *remote == session.remote_ice) {
        Response response{.status = 204, .headers = {}, .body = {}};
        response.headers.emplace("ETag", session.etag);
        send(std::move(respond), std::move(response));
        return;
    }
    if (precondition == Precondition::kNone) {
        // RFC 9725 section 4.3.3: without it a late trickle would restart ICE.
        send(std::move(respond),
             Response::problem(428, "an ICE restart needs If-Match: * or the session's ETag"));
        return;
    }
    restart_ice(request.parameters.at("session"), session, *remote, std::move(respond));
}

void WhipEndpoint::restart_ice(const std::string& name,
                               Session& session,
                               const IceCredentials& remote,
                               Responder respond) {
    switchboard_.restart_ice(
        session.connection,
        remote,
        [this, name, remote, respond = std::move(respond)](
            Result<LocalDescription> restarted) mutable {
            Session* const current = sessions_.find(name);
            if (!restarted || current == nullptr) {
                send(std::move(respond),
                     restarted ? Response::problem(404, "the session has ended")
                               : problem(restarted.error()));
                return;
            }
            current->remote_ice = remote;
            current->etag = make_etag();
            sdp::TrickleFragment fragment = current->fragment;
            fragment.credentials = restarted->ice;
            for (sdp::TrickleSection& section : fragment.sections) {
                std::ranges::transform(restarted->candidates,
                                       std::back_inserter(section.candidates),
                                       sdp::write_candidate);
            }
            ++counters_.ice_restarts;
            Response response{
                .status = 200, .headers = {}, .body = sdp::write_trickle_fragment(fragment)};
            response.headers.emplace("Content-Type", kFragmentType);
            response.headers.emplace("ETag", current->etag);
            send(std::move(respond), std::move(response));
        });
}

void WhipEndpoint::handle_delete(sdp::Role role, const Request& request, Responder respond) {
    const std::expected<Session*, Response> found = find_session(role, request);
    if (!found) {
        send(std::move(respond), found.error());
        return;
    }
    switchboard_.leave(
        (*found)->connection,
        media::LeaveReason::kClientLeft,
        [this, name = request.parameters.at("session"), respond = std::move(respond)](
            Result<void> left) mutable {
            if (!left && left.error().code != ErrorCode::kNotFound) {
                send(std::move(respond), problem(left.error()));
                return;
            }
            sessions_.erase(name);
            send(std::move(respond), Response{.status = 200, .headers = {}, .body = {}});
        });
}

}  // namespace isthmus::signaling::whip
