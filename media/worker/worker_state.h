// What one worker holds: its participants, its conferences, and what a batch leads to.
//
// Only the things and how to find them. Who acts on them: ConnectionLifetime, DatagramIntake,
// worker_report.h, and WorkerCore, which owns it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/random.h"
#include "base/time.h"
#include "media/congestion/congestion_config.h"
#include "media/relay/relay_links.h"
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
#include "media/worker/connections.h"
#include "media/worker/data_links.h"
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

struct WorkerState {
    // `random` and `fanout` outlive the state.
    WorkerState(WorkerCoreConfig config, RandomSource& random, transport::SrtpFanout& fanout);
    ~WorkerState();
    WorkerState(const WorkerState&) = delete;
    WorkerState& operator=(const WorkerState&) = delete;

    // Null where it is not here.
    [[nodiscard]] sfu::Conference* find_conference(const std::string& name) const;
    // An empty `id`: a new one.
    sfu::Conference& find_or_make_conference(Instant now, const std::string& name, std::string id);
    // Where nobody is in it and no other worker has a part of it.
    void drop_if_empty(const sfu::Conference& conference);

    // Sends what a participant's transport has to say.
    void drain_datagrams(sfu::Participant& participant, transport::DatagramSink& sink);

    void rearm(const sfu::Participant& participant) {
        timers.set(participant.handle(), participant.next_timeout());
    }

    [[nodiscard]] std::int64_t unix_ms(Instant now) const;

    WorkerCoreConfig config;
    RandomSource& random;
    transport::SrtpFanout& fanout;
    // To be settled at the end of the call at hand. Outlives all who ask for it, which they do to
    // their ends.
    sfu::TouchList touched;
    sfu::EgressBatch egress;
    sfu::PacingList pacing;  // outlives the participants, whose packets wait in it
    Connections connections;
    boost::unordered_flat_map<std::string, std::unique_ptr<sfu::Conference>> conferences;
    relay::RelayLinks relay;  // outlived by the participants, whose tracks it taps
    DataLinks data;
    TimerQueue<sfu::ParticipantId> timers;
    std::vector<ConferenceEvent> events;  // to be told to signaling
    sfu::WorkerStats stats;               // without what those still here count themselves
};

}  // namespace isthmus::media
