#include "media/worker/connection_lifetime.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "media/sfu/published_track.h"
#include "media/worker/conference_news.h"
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
    if (!request.beside) {
        end_identity(now, request.conference, request.identity, LeaveReason::kReplaced, sink);
    }
    sfu::Conference& conference =
        state_.find_or_make_conference(now, request.conference, request.conference_id);
    if (conference.people() >= state_.config.limits.participants_per_conference &&
        !conference.has_participant(request.participant_id)) {
        return make_error(ErrorCode::kLimitExceeded,
                          "The conference has as many participants as it may have.");
    }
    const Result<sfu::Participant*> participant = make(now, connection, request);
    if (!participant) {
        state_.drop_if_empty(conference);
        return participant;
    }
    conference.add(**participant);
    state_.data.describe(**participant, request.description.data);
    (*participant)->touch();
    state_.events.emplace_back(ParticipantJoined{.connection = connection,
                                                 .conference = conference.name(),
                                                 .conference_id = conference.id(),
                                                 .participant_id = (*participant)->id(),
                                                 .identity = request.identity,
                                                 .name = request.name,
                                                 .hidden = request.hidden});
    return participant;
}

Result<sfu::Participant*> ConnectionLifetime::make(Instant now,
                                                   ConnectionId connection,
                                                   const JoinRequest& request) {
    const WorkerCoreConfig& config = state_.config;
    sfu::ParticipantConfig participant_config{
        .id = request.participant_id.empty() ? "PA_" + state_.random.next_token(12)
                                             : request.participant_id,
        .connection = connection.value,
        .identity = request.identity,
        .name = request.name,
        .can_publish = request.can_publish,
        .can_subscribe = request.can_subscribe,
        .hidden = request.hidden,
        .watch_identity = request.watch_identity,
        .names_tracks = request.names_tracks,
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
                                       {.touched = state_.touched, .pacing = state_.pacing});
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

Result<void> ConnectionLifetime::renegotiate(Instant now,
                                             sfu::Participant& participant,
                                             const sfu::ConnectionDescription& description,
                                             DatagramSink& sink) {
    // What waits in the batch may lie in the caches of tracks that end.
    state_.egress.flush(sink);
    Result<sfu::SectionChanges> changes = participant.renegotiate(description.sections);
    if (!changes) {
        return std::unexpected(changes.error());
    }
    take_remote(now, participant, description);
    state_.data.describe(participant, description.data);
    sfu::Conference& conference = *participant.conference();
    for (const auto& track : changes->tracks.ended) {
        add_counters(*track, state_.stats);
        state_.relay.on_track_ended(participant, *track);
        conference.end_track(now, *track);
    }
    for (const auto& subscription : changes->subscriptions) {
        add_counters(*subscription, state_.stats);
    }
    if (participant.connected()) {
        for (sfu::PublishedTrack* track : changes->tracks.begun) {
            conference.begin_track(now, participant, *track);
            state_.relay.on_track_begun(conference, participant, *track);
        }
    }
    if (participant.connected_before()) {
        tell_changes(participant, changes->tracks);
    }
    conference.renew_subscriptions(now, participant);
    participant.touch();
    return {};
}

void ConnectionLifetime::take_remote(Instant now,
                                     sfu::Participant& participant,
                                     const sfu::ConnectionDescription& description) {
    const transport::IceCredentials& remote = description.remote_ice;
    if (remote.ufrag.empty() || remote == participant.transport().remote_ice()) {
        return;
    }
    if (!participant.answered()) {
        participant.answer(now, remote, description.remote_fingerprint, description.local_role);
    } else if (participant.transport().remote_ice().ufrag.empty()) {
        participant.transport().set_remote_ice(remote);
    } else {
        restart_ice(now, participant, remote);
    }
}

// A track that goes on under its name, though in another form, neither ended nor began.
void ConnectionLifetime::tell_changes(const sfu::Participant& participant,
                                      const sfu::TrackChanges& changes) {
    const auto is_among = [](const auto& tracks, const std::string& id) {
        return std::ranges::any_of(tracks, [&id](const auto& track) { return track->id() == id; });
    };
    for (const auto& track : changes.ended) {
        if (!is_among(changes.begun, track->id())) {
            tell_ended(participant, *track, state_.events);
        }
    }
    for (sfu::PublishedTrack* track : changes.begun) {
        if (is_among(changes.ended, track->id())) {
            track->restate_demand();
        } else {
            tell_published(participant, *track, state_.events);
        }
    }
}

void ConnectionLifetime::end(Instant now,
                             sfu::Participant& participant,
                             LeaveReason reason,
                             DatagramSink& sink) {
    // What waits in the batch lies in the caches of who leaves, and is for its keys.
    state_.egress.flush(sink);
    participant.close(now, sink);
    add_counters(participant, state_.stats);

    if (participant.connected_before()) {
        for (const auto& track : participant.tracks()) {
            tell_ended(participant, *track, state_.events);
        }
    }
    sfu::Conference& conference = *participant.conference();
    gone_.push_back({.connection = {participant.connection()},
                     .conference = conference.name(),
                     .identity = participant.identity(),
                     .reason = reason});
    state_.data.on_ended(participant);
    state_.relay.on_leaving(participant);
    conference.remove(now, participant);
    state_.drop_if_empty(conference);
    state_.timers.erase(participant.handle());
    state_.connections.erase(participant);
}

std::size_t ConnectionLifetime::end_identity(Instant now,
                                             const std::string& conference,
                                             const std::string& identity,
                                             LeaveReason reason,
                                             DatagramSink& sink) {
    std::size_t ended = 0;
    // The last one takes the conference along.
    while (const sfu::Conference* in = state_.find_conference(conference)) {
        sfu::Participant* participant = in->find_identity(identity);
        if (participant == nullptr) {
            break;
        }
        end(now, *participant, reason, sink);
        ++ended;
    }
    return ended;
}

void ConnectionLifetime::on_connected(Instant now, sfu::Participant& participant) {
    participant.on_connected(now);
    participant.conference()->on_connected(now, participant);
    state_.relay.on_connected(*participant.conference(), participant);
    state_.data.on_connected(participant);
    state_.events.emplace_back(ParticipantConnected{.connection = {participant.connection()}});
    for (const auto& track : participant.tracks()) {
        tell_published(participant, *track, state_.events);
    }
}

void ConnectionLifetime::handle_data(Instant now,
                                     std::span<const data::SctpPacket> packets,
                                     std::vector<data::AssociationEvent> events,
                                     DatagramSink& sink) {
    for (const data::SctpPacket& packet : packets) {
        const ConnectionId connection{packet.association.value};
        if (sfu::Participant* participant = state_.connections.find(connection)) {
            if (participant->transport().send_application_data(packet.bytes)) {
                state_.data.on_packet_sent();
            }
            state_.drain_datagrams(*participant, sink);
        }
    }
    for (data::AssociationEvent& event : events) {
        const ConnectionId connection{event.association.value};
        if (state_.data.on_event(std::move(event), state_.events)) {
            end(now, *state_.connections.find(connection), LeaveReason::kTransportFailed, sink);
        }
    }
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
    while (auto event = participant.transport().poll_event()) {
        if (event->kind == transport::TransportEventKind::kConnected) {
            on_connected(now, participant);
        } else if (event->kind == transport::TransportEventKind::kData) {
            state_.data.on_packet(participant, std::move(event->data));
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
    tell_news(now, participant, state_.events);
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
