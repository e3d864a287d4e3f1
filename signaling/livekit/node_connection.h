// A connection whose offers the node makes: the one on which a client of /rtc is sent what it
// subscribes to, and data.
//
// One offer at a time is with the client; what changes meanwhile goes into the next. The offer is
// kept as a client would have made it (node_template.h). Driven by SignalSession.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "media/worker/switchboard.h"
#include "signaling/livekit/client_connection.h"
#include "signaling/livekit/session_host.h"
#include "signaling/livekit/subscriptions.h"
#include "signaling/sdp/negotiate.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::livekit {

class NodeConnection {
  public:
    // All outlive it.
    NodeConnection(SessionHost& host, ConnectionUser& user, Subscriptions& subscriptions);

    // Makes the first offer, which has data channels and whatever is wanted already.
    void begin();
    // Makes an offer where what is wanted changed.
    void settle();
    void on_answer(const proto::SessionDescription& answer);
    // New ICE credentials, for a client that came back on another network.
    void restart();
    // What is wanted changed in a way that the client need not be asked about.
    void refresh();

    [[nodiscard]] const std::optional<media::ConnectionId>& id() const { return id_; }

  private:
    enum class State : std::uint8_t { kIdle, kPreparing, kOffered, kApplying };

    void prepare();
    void plan();
    void name_stream(const std::string& mid);
    void send_offer(media::sfu::LocalDescription local);
    template <typename T>
    [[nodiscard]] media::Switchboard::Answer<T> later(
        std::move_only_function<void(NodeConnection&, Result<T>)> then);
    void finish();

    // Of one that was made.
    [[nodiscard]] media::ConnectionId connection() const {
        return id_.value_or(media::ConnectionId{});
    }

    SessionHost* host_;
    ConnectionUser* user_;
    Subscriptions* subscriptions_;
    std::optional<media::ConnectionId> id_;
    State state_ = State::kIdle;
    bool restart_ = false;  // once the offer that is out is answered
    sdp::SessionDescription template_;
    sdp::NegotiatedSession planned_;
    std::vector<std::string> fresh_mids_;
    std::optional<media::sfu::ConnectionDescription> current_;
    std::set<std::string> used_mids_;  // that carried a track at some time
    std::uint32_t offer_id_ = 0;
    std::uint32_t mids_made_ = 0;
    std::uint64_t session_id_ = 0;
    std::uint64_t session_version_ = 0;
};

}  // namespace isthmus::signaling::livekit
