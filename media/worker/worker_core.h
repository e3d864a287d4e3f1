// All protocol logic of one worker: its way in for datagrams, for signaling and for time.
//
// Sans-I/O; one thread. After every call that takes `now`, drain take_data_work(), take_events()
// and poll_gone() and re-arm from next_timeout(). Keeps the rhythm of a batch (take in, forward,
// encrypt and send, settle) and leaves the rest to its parts: DatagramIntake, ConnectionLifetime,
// worker_report.h. Leaves out sockets (io/worker_thread.h) and which conference lives here
// (local_switchboard.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "media/relay/relay_links.h"
#include "media/relay/relay_message.h"
#include "media/rtp/retransmission_cache.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/participant.h"
#include "media/transport/datagram.h"
#include "media/transport/srtp_fanout.h"
#include "media/worker/connection_lifetime.h"
#include "media/worker/datagram_intake.h"
#include "media/worker/switchboard.h"
#include "media/worker/worker_state.h"

namespace isthmus::media {

// How busy a worker is, without a look at every counter.
struct WorkerActivity {
    std::uint64_t packets = 0;  // in and out, since start
    std::size_t loading = 0;    // participants that media moved for since the last call
};

class WorkerCore {
  public:
    // Datagrams in one call of take_in().
    static constexpr std::size_t kBatchMax = rtp::RetransmissionCache::kBatchPackets;

    // `random` and `fanout` outlive the core.
    WorkerCore(WorkerCoreConfig config, RandomSource& random, transport::SrtpFanout& fanout);

    // Makes the conference where it is the first to join. kLimitExceeded beyond the limits.
    Result<JoinResult> join(Instant now,
                            ConnectionId connection,
                            const JoinRequest& request,
                            transport::DatagramSink& sink);
    Result<void> leave(Instant now,
                       ConnectionId connection,
                       LeaveReason reason,
                       transport::DatagramSink& sink);
    Result<sfu::LocalDescription> restart_ice(Instant now,
                                              ConnectionId connection,
                                              transport::IceCredentials remote);
    // See Switchboard.
    Result<sfu::LocalDescription> renegotiate(Instant now,
                                              ConnectionId connection,
                                              const sfu::ConnectionDescription& description,
                                              transport::DatagramSink& sink);
    Result<void> set_layer_wish(Instant now,
                                ConnectionId connection,
                                const std::string& mid,
                                const sfu::LayerWish& wish,
                                transport::DatagramSink& sink);
    Result<void> remove_participant(Instant now,
                                    const std::string& conference,
                                    const std::string& identity,
                                    transport::DatagramSink& sink);
    // Ends every participant's connection with `reason`; an empty name means all conferences.
    std::size_t end_conference(Instant now,
                               const std::string& name,
                               LeaveReason reason,
                               transport::DatagramSink& sink);

    // A batch, in two halves: take_in() stores what came and writes what other workers get of it to
    // their rings; forward() has all receivers here sent what they get, and everybody settle. A
    // driver that lets the other workers go on between the two has them work at the same time.
    void take_in(Instant now,
                 std::span<const transport::InDatagram> datagrams,
                 transport::DatagramSink& sink);
    void forward(Instant now, transport::DatagramSink& sink);
    // Both halves.
    void handle_datagrams(Instant now,
                          std::span<const transport::InDatagram> datagrams,
                          transport::DatagramSink& sink);
    // The TCP connection of `path` is gone.
    void handle_path_closed(Instant now, const transport::Path& path);
    void handle_timeout(Instant now, transport::DatagramSink& sink);
    [[nodiscard]] Instant next_timeout() const;

    // The conference lives on worker `peer` too: made here where it is not yet, and kept, also
    // without participants, until it is unlinked from all others.
    void link_conference(Instant now,
                         const std::string& name,
                         const std::string& id,
                         std::uint32_t peer);
    void unlink_conference(Instant now, const std::string& name, std::uint32_t peer);
    void handle_relay_message(Instant now,
                              std::uint32_t from,
                              relay::RelayMessage message,
                              transport::DatagramSink& sink);
    // A batch of what other workers sent. False where there was nothing.
    bool handle_relay_packets(Instant now, transport::DatagramSink& sink);

    // From the data thread.
    void handle_data(Instant now,
                     std::span<const data::SctpPacket> packets,
                     std::vector<data::AssociationEvent> events,
                     transport::DatagramSink& sink);

    // For the data thread, after every call.
    [[nodiscard]] DataWork take_data_work() { return state_.data.take_work(); }

    // After every call, beside poll_gone(): poll_message() and publish().
    [[nodiscard]] relay::RelayLinks& relay() { return state_.relay; }

    // What happened since the last call, in order; told before those who are gone.
    [[nodiscard]] std::vector<ConferenceEvent> take_events() {
        return std::exchange(state_.events, {});
    }

    // A connection that ended since the last call, or nothing when drained.
    [[nodiscard]] std::optional<ConnectionGone> poll_gone();

    [[nodiscard]] std::vector<sfu::ConferenceInfo> describe_all(Instant now, bool details) const;
    [[nodiscard]] std::optional<sfu::ConferenceInfo> describe(Instant now,
                                                              const std::string& name) const;
    [[nodiscard]] sfu::WorkerStats stats() const;
    // Of which there is one caller: LoadMeter's.
    [[nodiscard]] WorkerActivity take_activity();

    [[nodiscard]] std::size_t participant_count() const { return state_.connections.size(); }

  private:
    // Sends what pacers let go.
    void release_paced(Instant now, transport::DatagramSink& sink);
    [[nodiscard]] sfu::LocalDescription describe_local(const sfu::Participant& participant) const;

    WorkerState state_;
    DatagramIntake intake_;
    ConnectionLifetime lifetime_;
    Instant speakers_at_{};  // when who speaks is told next
};

}  // namespace isthmus::media
