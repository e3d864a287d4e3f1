// What a session needs of the node around it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "base/random.h"
#include "base/time.h"
#include "media/worker/switchboard.h"
#include "signaling/access/token.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

class SignalSession;

class SessionHost {
  public:
    virtual ~SessionHost() = default;

    [[nodiscard]] virtual media::Switchboard& switchboard() = 0;
    [[nodiscard]] virtual RandomSource& random() = 0;
    [[nodiscard]] virtual Instant now() const = 0;  // as of the last tick
    [[nodiscard]] virtual std::int64_t unix_ms() const = 0;
    [[nodiscard]] virtual std::vector<proto::ICEServer> ice_servers(
        const std::string& identity) const = 0;
    [[nodiscard]] virtual const proto::ServerInfo& server_info() const = 0;
    [[nodiscard]] virtual std::string sign(const access::AccessToken& token) const = 0;

    // Answers of the switchboard find the session by its participant's id: it may be gone by then.
    [[nodiscard]] virtual SignalSession* find_session(std::string_view participant_sid) = 0;
    // The connection is the participant's.
    virtual void bind(media::ConnectionId connection, const std::string& participant_sid) = 0;
    // The connection was made for a participant who is gone.
    virtual void abandon(media::ConnectionId connection) = 0;
    // Ends the participant's connections and takes it out of the room; the session lives until the
    // turn's end.
    virtual void remove(const std::string& participant_sid, proto::DisconnectReason reason) = 0;
    // Whoever was called from outside calls it last: what changed is told.
    virtual void end_turn() = 0;
};

}  // namespace isthmus::signaling::livekit
