// How a connection begins, is kept in step with what its transport tells, and ends.
//
// Whoever came to have something to say is in the state's touch list; settle_touched() sends it,
// acts on transport events and re-arms timers. After every call drain poll_gone().
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "media/sfu/conference.h"
#include "media/sfu/participant.h"
#include "media/transport/datagram.h"
#include "media/transport/ice.h"
#include "media/worker/switchboard.h"
#include "media/worker/worker_state.h"

namespace isthmus::media {

class ConnectionLifetime {
  public:
    // `state` outlives the lifetime.
    explicit ConnectionLifetime(WorkerState& state) : state_(state) {}

    // The participant, in its conference, which is made where it is the first. kLimitExceeded
    // beyond the limits.
    Result<sfu::Participant*> begin(Instant now,
                                    ConnectionId connection,
                                    const JoinRequest& request,
                                    transport::DatagramSink& sink);
    // New local credentials beside the old ones, which lead here until the session ends: checks
    // with them may still be on the way.
    void restart_ice(Instant now, sfu::Participant& participant, transport::IceCredentials remote);
    // New sections, and new credentials of the client where they differ.
    Result<void> renegotiate(Instant now,
                             sfu::Participant& participant,
                             const sfu::ConnectionDescription& description,
                             transport::DatagramSink& sink);
    void end(Instant now,
             sfu::Participant& participant,
             LeaveReason reason,
             transport::DatagramSink& sink);
    // All connections of an identity; returns how many there were.
    std::size_t end_identity(Instant now,
                             const std::string& conference,
                             const std::string& identity,
                             LeaveReason reason,
                             transport::DatagramSink& sink);

    // What the data thread has for clients, and what it tells of them.
    void handle_data(Instant now,
                     std::span<const data::SctpPacket> packets,
                     std::vector<data::AssociationEvent> events,
                     transport::DatagramSink& sink);

    void settle_touched(Instant now, transport::DatagramSink& sink);

    // A connection that ended since the last call, or nothing when drained.
    [[nodiscard]] std::optional<ConnectionGone> poll_gone();

  private:
    // Sends what a participant has to say, acts on its events, and re-arms its timer.
    void settle(Instant now, sfu::Participant& participant, transport::DatagramSink& sink);
    void on_connected(Instant now, sfu::Participant& participant);
    void take_remote(Instant now,
                     sfu::Participant& participant,
                     const sfu::ConnectionDescription& description);
    void tell_changes(const sfu::Participant& participant, const sfu::TrackChanges& changes);
    Result<sfu::Participant*> make(Instant now,
                                   ConnectionId connection,
                                   const JoinRequest& request);

    WorkerState& state_;
    std::vector<ConnectionGone> gone_;
};

}  // namespace isthmus::media
