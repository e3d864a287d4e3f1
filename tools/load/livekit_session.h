// The signaling of one participant that joins by the LiveKit protocol, with one connection for what
// it publishes and watches (/rtc/v1), as livekit-client does.
//
// Sans-I/O: its owner opens a WebSocket to make_target(), brings its messages, sends what
// poll_request() gives. Offers and answers are the participant's. All of a room is subscribed to;
// where the node lacks sections to send on, the next offer has them.
// Leaves out: data channels, resuming, /rtc (v0).
// Facts: docs of the protocol's messages are in signaling/livekit/proto.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "tools/load/load_options.h"
#include "tools/load/participant.h"

namespace livekit {
class AddTrackRequest;
class SessionDescription;
class SignalRequest;
class SignalResponse;
class TrickleRequest;
}  // namespace livekit

namespace isthmus::load {

class LivekitSession {
  public:
    // Both outlive it. `local` and `link` are the participant's, see Participant::take_answer().
    LivekitSession(const LoadOptions& options,
                   Participant& participant,
                   const media::transport::SocketAddress& local,
                   media::transport::LinkId link);

    // Path and query of the WebSocket, with the first offer.
    [[nodiscard]] std::string make_target(std::string_view token);

    // A message of the node's. False where it makes no sense or fails the participant; problem()
    // says why.
    [[nodiscard]] bool handle_message(Instant now, std::string_view payload);

    void handle_timeout(Instant now);

    [[nodiscard]] Instant next_timeout() const { return ping_at_; }

    // A serialised request to send, one binary message each.
    [[nodiscard]] std::optional<std::string> poll_request();

    // Queues the goodbye.
    void leave();

    [[nodiscard]] const std::string& problem() const { return problem_; }

    // Tracks that the last answer says are sent to us.
    [[nodiscard]] std::size_t tracks_named() const { return tracks_named_; }

  private:
    [[nodiscard]] bool handle_answer(Instant now, const ::livekit::SessionDescription& answer);
    void describe_track(std::size_t index, ::livekit::AddTrackRequest& request) const;
    void fill_offer(::livekit::SessionDescription& offer);
    void offer_again();
    void queue(const ::livekit::SignalRequest& request);
    [[nodiscard]] bool fail(std::string why);

    const LoadOptions* options_;
    Participant* participant_;
    media::transport::SocketAddress local_;
    media::transport::LinkId link_;
    std::uint32_t offer_id_ = 0;
    bool offer_open_ = false;    // not answered yet
    bool offer_wanted_ = false;  // once it is
    std::size_t answers_ = 0;
    std::size_t tracks_named_ = 0;
    Duration ping_interval_{};
    Instant ping_at_ = kNever;
    std::deque<std::string> requests_;
    std::string problem_;
};

}  // namespace isthmus::load
