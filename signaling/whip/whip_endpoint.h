// WHIP and WHEP: an HTTP request with an offer makes a session, its URL trickles, restarts ICE and
// ends it.
//
//     POST /whip/{conference}             publish; 201 with the answer and the session's URL
//     POST /whep/{conference}?participant=ID   watch everyone, or one participant
//     PATCH, DELETE on the session's URL  trickle or ICE restart; end
//     POST on a viewer's session's URL + "/layer"   which layers of the videos it wants
//     OPTIONS on each                     CORS, Accept-Post, Accept-Patch
//
// A publisher's identity in the conference is its token's sub, so that publishing again ends the
// earlier connection; a viewer's is "<sub>~" and eight random characters, because someone who
// publishes may watch too, and in several places. Without sub both are random.
//
// Driven by the router and the switchboard on the signaling thread; holds no socket and no clock.
// Trickled candidates are accepted and not used: the node is ICE-lite and learns addresses from
// checks. Left out: offers made by the node (WHEP allows them), WHEP's event streams. RFC 9725;
// draft-ietf-wish-whep-02; layers after draft-murillo-whep-03 section 4.4.2; RFC 8840.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/http/message.h"
#include "base/random.h"
#include "media/worker/switchboard.h"
#include "signaling/access/token.h"
#include "signaling/sdp/negotiate.h"
#include "signaling/sdp/session_description.h"
#include "signaling/whip/ice_servers.h"
#include "signaling/whip/session_table.h"

namespace isthmus::signaling::whip {

struct WhipConfig {
    access::ApiKeys keys;  // empty: nobody may join
    std::vector<IceServer> ice_servers;
    std::string allow_origin = "*";  // Access-Control-Allow-Origin
    std::size_t sessions_max = 10'000;
    std::uint32_t retry_after_s = 10;  // told to a client that cannot be served now
    // The same where the node begins no conference: nobody knows until when, only that asking this
    // node again soon is of no use (RFC 9725 section 4.5).
    std::uint32_t maintenance_retry_after_s = 300;
    sdp::SdpLimits sdp_limits;
    bool accept_simulcast = true;
};

struct WhipStats {
    std::uint64_t created = 0;
    std::uint64_t refused = 0;  // POST without a session
    std::uint64_t ice_restarts = 0;

    std::uint64_t publishers = 0;  // now
    std::uint64_t viewers = 0;     // now
};

class WhipEndpoint {
  public:
    using WallClock = std::function<std::int64_t()>;  // seconds since 1970

    // Becomes the switchboard's listener for connections that are gone, until somebody takes that
    // over who tells it. Outlives the switchboard's
    // last answer; `switchboard` and `random` outlive it.
    WhipEndpoint(WhipConfig config,
                 media::Switchboard& switchboard,
                 RandomSource& random,
                 WallClock wall_clock);
    WhipEndpoint(const WhipEndpoint&) = delete;
    WhipEndpoint& operator=(const WhipEndpoint&) = delete;

    void add_routes(http::Router& router);

    void handle_gone(const media::ConnectionGone& gone);

    // Off: a POST is answered with 503; sessions go on.
    void set_accepting(bool accepting) { accepting_ = accepting; }

    [[nodiscard]] WhipStats stats() const;

  private:
    struct PendingJoin;

    void add_routes_of(http::Router& router, sdp::Role role, const std::string& root);

    // The router refuses other methods, with the headers that let a web page see why.
    void finish_refusals(http::Router& router, const std::string& pattern);

    void handle_post(sdp::Role role, const http::Request& request, http::Responder respond);
    void handle_endpoint_options(sdp::Role role,
                                 const http::Request& request,
                                 http::Responder respond);
    void handle_session_options(http::Responder respond);
    void handle_patch(sdp::Role role, const http::Request& request, http::Responder respond);
    void handle_delete(sdp::Role role, const http::Request& request, http::Responder respond);
    void handle_layer(const http::Request& request, http::Responder respond);

    // Nothing, or the answer that refuses.
    [[nodiscard]] std::optional<http::Response> check_post(const http::Request& request) const;
    [[nodiscard]] std::expected<PendingJoin, http::Response> prepare(sdp::Role role,
                                                                     const http::Request& request);
    void join(PendingJoin pending, http::Responder respond);
    void finish_join(PendingJoin pending,
                     Result<media::JoinResult> joined,
                     http::Responder respond);

    // The session of the request's URL if its sender may change it, else the answer that refuses.
    [[nodiscard]] std::expected<Session*, http::Response> find_session(
        sdp::Role role, const http::Request& request);
    void restart_ice(const std::string& name,
                     Session& session,
                     const media::transport::IceCredentials& remote,
                     http::Responder respond);

    [[nodiscard]] media::JoinRequest make_join_request(sdp::Role role,
                                                       const http::Request& request,
                                                       const access::AccessToken& token);
    [[nodiscard]] std::string make_etag();
    [[nodiscard]] http::Response problem(const Error& error) const;
    // Adds what every answer of these URLs carries, and sends it.
    void send(http::Responder respond, http::Response response) const;
    // The same for a refused POST.
    void refuse(http::Responder respond, http::Response response);

    WhipConfig config_;
    media::Switchboard& switchboard_;
    RandomSource& random_;
    WallClock wall_clock_;
    SessionTable sessions_;
    std::size_t joins_pending_ = 0;
    bool accepting_ = true;
    WhipStats counters_;
};

}  // namespace isthmus::signaling::whip
