#include "media/worker/connection_lifetime.h"

#include <cstddef>
#include <utility>

#include "media/worker/worker_report.h"

namespace isthmus::media {
namespace {

using transport::DatagramSink;

LeaveReason leave_reason_for(transport::CloseReason reason) {
    switch (reason) {
        case transport::CloseReason::kDtlsCloseNotify:
            return LeaveReason::kClientLeft;
        case transport::CloseReason::kConsentExpired:
            return LeaveReason::kTimeout;
        case transport::CloseReason::kDtlsFailure:
        case transport::CloseReason::kFingerprintMismatch:
        case transport::CloseReason::kHandshakeTimeout:
            return LeaveReason::kTransportFailed;
    }
    return LeaveReason::kTransportFailed;
}

// RFC 8445 section 5.3 asks for 24 bits of randomness in the ufrag and 128 in the password; 8 and
// 24 characters of next_token() are 47 and 142 bits.
transport::IceCredentials make_credentials(RandomSource& random) {
    return {.ufrag = random.next_token(8), .pwd = random.next_token(24)};
}

}  // namespace

Result<sfu::Participant*> ConnectionLifetime::begin(Instant now,
                                                    ConnectionId connection,
                                                    const JoinRequest& request,
                                                    DatagramSink& sink) {
    // The same identity again is the same person on a new connection: the old one makes room, and
    // takes the conference along where nobody else is in it.
    if (const sfu::Conference* before = state_.find_conference(request.conference)) {
        if (sfu::Participant* old = before->find_identity(request.identity)) {
            end(now, *old, LeaveReason::kReplaced, sink);
        }
    }
    sfu::Conference& conference =
        state_.find_or_make_conference(now, request.conference, request.conference_id);
    if (conference.size() >= state_.config.limits.participants_per_conference) {
        return make_error(ErrorCode::kLimitExceeded,
                          "The conference has as many participants as it may have.");
    }
    const Result<sfu::Participant*> participant = make(now, connection, request);
    if (!participant) {
        state_.drop_if_empty(conference);
        return participant;
    }
    conference.add(**participant);
    (*participant)->touch();
    return participant;
}

Result<sfu::Participant*> ConnectionLifetime::make(Instant now,
                                                   ConnectionId connection,
                                                   const JoinRequest& request) {
    const WorkerCoreConfig& config = state_.config;
    sfu::ParticipantConfig participant_config{
        .id = "PA_" + state_.random.next_token(12),
        .connection = connection.value,
        .identity = request.identity,
        .name = request.name,
        .can_publish = request.can_publish,
        .can_subscribe = request.can_subscribe,
        .hidden = request.hidden,
        .watch_identity = request.watch_identity,
        .joined_at_unix_ms = state_.unix_ms(now),
        .unix_ns_at_zero = config.unix_ns_at_zero,
        .limits = config.limits,
        .congestion = config.congestion,
        .transport = {.local_ice = make_credentials(state_.random),
                      .remote_ice = request.description.remote_ice,
                      .remote_fingerprint = request.description.remote_fingerprint,
                      .role = request.description.local_role,
                      .identity = config.identity,
                      .fanout = &state_.fanout,
                      .limits = config.transport_limits},
    };
    auto made = sfu::Participant::make(now,
                                       std::move(participant_config),
                                       request.description.sections,
                                       state_.random,
                                       state_.touched,
                                       state_.pacing);
    if (!made) {
        return std::unexpected(made.error());
    }
    return &state_.connections.add(*std::move(made));
}

void ConnectionLifetime::restart_ice(Instant now,
                                     sfu::Participant& participant,
                                     transport::IceCredentials remote) {
    transport::IceCredentials local = make_credentials(state_.random);
    state_.connections.add_ufrag(participant, local.ufrag);
    participant.transport().restart_ice(now, std::move(local), std::move(remote));
    state_.rearm(participant);
}

void ConnectionLifetime::end(Instant now,
                             sfu::Participant& participant,
                             LeaveReason reason,
                             DatagramSink& sink) {
    // What waits in the batch lies in the caches of who leaves, and is for its keys.
    state_.egress.flush(sink);
    participant.close(now, sink);
    add_counters(participant, state_.stats);

    sfu::Conference& conference = *participant.conference();
    gone_.push_back({.connection = {participant.connection()},
                     .conference = conference.name(),
                     .identity = participant.identity(),
                     .reason = reason});
    state_.relay.on_leaving(participant);
    conference.remove(now, participant);
    state_.drop_if_empty(conference);
    state_.timers.erase(participant.handle());
    state_.connections.erase(participant);
}

void ConnectionLifetime::settle_touched(Instant now, DatagramSink& sink) {
    // Settling one may touch others: who leaves frees places for those who stay.
    for (std::size_t i = 0; i < state_.touched.size(); ++i) {
        if (sfu::Participant* participant = state_.connections.find(state_.touched[i])) {
            settle(now, *participant, sink);
        }
    }
    state_.touched.clear();
    state_.egress.flush(sink);
}

void ConnectionLifetime::settle(Instant now, sfu::Participant& participant, DatagramSink& sink) {
    participant.clear_touched();
    state_.drain_datagrams(participant, sink);
    while (const auto event = participant.transport().poll_event()) {
        if (event->kind == transport::TransportEventKind::kConnected) {
            participant.on_connected(now);
            participant.conference()->on_connected(now, participant);
            state_.relay.on_connected(*participant.conference(), participant);
        } else if (event->kind == transport::TransportEventKind::kClosed) {
            const LeaveReason reason = leave_reason_for(event->reason);
            if (reason == LeaveReason::kTimeout) {
                ++state_.stats.connections_closed_by_timeout;
            }
            end(now, participant, reason, sink);
            return;
        }
    }
    participant.send_probes(now, state_.egress, sink);
    participant.send_feedback(now, sink, state_.stats);
    state_.rearm(participant);
}

std::optional<ConnectionGone> ConnectionLifetime::poll_gone() {
    if (gone_.empty()) {
        return std::nullopt;
    }
    ConnectionGone gone = std::move(gone_.front());
    gone_.erase(gone_.begin());
    return gone;
}

}  // namespace isthmus::media
