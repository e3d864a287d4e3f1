// All protocol logic of one worker: who a datagram belongs to, and when to wake.
//
// Sans-I/O; one thread. Owns its conferences and everything in them. After every call that takes
// `now`, drain take_events() and poll_gone() and re-arm from next_timeout(). Leaves out sockets
// (io/worker_thread.h) and which conference lives here (local_switchboard.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/error.h"
#include "base/random.h"
#include "base/slot_map.h"
#include "base/string_hash.h"
#include "base/time.h"
#include "media/relay/relay_links.h"
#include "media/relay/relay_message.h"
#include "media/relay/relay_rings.h"
#include "media/sfu/conference.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/limits.h"
#include "media/sfu/pacing_list.h"
#include "media/sfu/participant.h"
#include "media/transport/datagram.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"
#include "media/transport/srtp_fanout.h"
#include "media/worker/switchboard.h"
#include "media/worker/timer_queue.h"

namespace isthmus::media {

struct WorkerCoreConfig {
    std::uint32_t index = 0;
    sfu::SfuLimits limits;
    congestion::CongestionConfig congestion;  // towards each client
    transport::TransportLimits transport_limits;
    std::vector<transport::IceCandidate> candidates;
    std::shared_ptr<const transport::DtlsIdentity> identity;
    // Wall clock time at Instant{}, nanoseconds since 1970: for NTP time stamps and "joined at".
    std::int64_t unix_ns_at_zero = 0;
    // To the other workers; null where there are none. Outlives the core.
    relay::RelayRings* rings = nullptr;
};

class WorkerCore {
  public:
    // Datagrams in one call of handle_datagrams().
    static constexpr std::size_t kBatchMax = rtp::RetransmissionCache::kBatchPackets;

    // `random` and `fanout` outlive the core.
    WorkerCore(WorkerCoreConfig config, RandomSource& random, transport::SrtpFanout& fanout);
    ~WorkerCore();

    WorkerCore(const WorkerCore&) = delete;
    WorkerCore& operator=(const WorkerCore&) = delete;

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
    void send_data(Instant now,
                   ConnectionId connection,
                   const DataMessage& message,
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

    // After every call, beside poll_gone(): poll_message() and publish().
    [[nodiscard]] relay::RelayLinks& relay() { return relay_; }

    // What happened since the last call, in order; told before those who are gone.
    [[nodiscard]] std::vector<ConferenceEvent> take_events() { return std::exchange(events_, {}); }

    // A connection that ended since the last call, or nothing when drained.
    [[nodiscard]] std::optional<ConnectionGone> poll_gone();

    [[nodiscard]] std::vector<sfu::ConferenceInfo> describe_all(Instant now, bool details) const;
    [[nodiscard]] std::optional<sfu::ConferenceInfo> describe(Instant now,
                                                              const std::string& name) const;
    [[nodiscard]] sfu::WorkerStats stats() const;

    [[nodiscard]] std::size_t participant_count() const { return participants_.size(); }

  private:
    using ParticipantId = sfu::ParticipantId;

    void handle_datagram(Instant now,
                         const transport::InDatagram& datagram,
                         transport::DatagramSink& sink);
    void handle_stun(Instant now,
                     const transport::InDatagram& datagram,
                     transport::DatagramSink& sink);
    void bind_path(sfu::Participant& participant, ParticipantId id, const transport::Path& path);
    void unbind_path(ParticipantId id, const transport::Path& path);
    void drain_datagrams(sfu::Participant& participant, transport::DatagramSink& sink);
    // Ends all connections of an identity; returns how many there were.
    std::size_t end_identity(Instant now,
                             const std::string& conference,
                             const std::string& identity,
                             LeaveReason reason,
                             transport::DatagramSink& sink);
    void on_connected(Instant now, sfu::Participant& participant);
    void tell_published(const sfu::Participant& participant, const sfu::PublishedTrack& track);
    // Sends what a participant has to say, acts on its events, and re-arms its timer.
    void settle(Instant now, ParticipantId id, transport::DatagramSink& sink);
    // Sends what pacers let go.
    void release_paced(Instant now, transport::DatagramSink& sink);
    void settle_touched(Instant now, transport::DatagramSink& sink);
    void rearm(ParticipantId id);
    void end_participant(Instant now,
                         ParticipantId id,
                         LeaveReason reason,
                         transport::DatagramSink& sink);
    sfu::Conference& make_conference(Instant now, const std::string& name, std::string id);
    void drop_if_empty(const sfu::Conference& conference);
    [[nodiscard]] sfu::Conference* find_conference(const std::string& name) const;
    static void add_audio_counters(const sfu::Conference& conference, sfu::WorkerStats& stats);
    static void add_transport_counters(const sfu::Participant& participant,
                                       sfu::WorkerStats& stats);
    static void add_media_counters(const sfu::Participant& participant, sfu::WorkerStats& stats);
    [[nodiscard]] sfu::LocalDescription describe_local(const sfu::Participant& participant) const;
    [[nodiscard]] sfu::ConferenceInfo describe(Instant now,
                                               const sfu::Conference& conference,
                                               bool details) const;
    [[nodiscard]] std::int64_t unix_ms(Instant now) const;

    WorkerCoreConfig config_;
    RandomSource& random_;
    transport::SrtpFanout& fanout_;
    sfu::EgressBatch egress_;
    sfu::PacingList pacing_;  // outlives the participants, whose packets wait in it
    SlotMap<std::unique_ptr<sfu::Participant>, sfu::ParticipantTag> participants_;
    boost::unordered_flat_map<std::string, std::unique_ptr<sfu::Conference>> conferences_;
    relay::RelayLinks relay_;  // outlived by the participants, whose tracks it taps
    boost::unordered_flat_map<std::uint64_t, ParticipantId> by_connection_;
    boost::unordered_flat_map<std::string, ParticipantId, StringHash, std::equal_to<>> by_ufrag_;
    boost::unordered_flat_map<transport::Path, ParticipantId, transport::PathHash> by_path_;
    TimerQueue<ParticipantId> timers_;
    sfu::TouchList touched_;
    std::vector<ConferenceEvent> events_;
    std::vector<ConnectionGone> gone_;
    sfu::WorkerStats stats_;
};

}  // namespace isthmus::media
