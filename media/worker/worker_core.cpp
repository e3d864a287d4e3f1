#include "media/worker/worker_core.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "media/worker/conference_news.h"
#include "media/worker/worker_report.h"

namespace isthmus::media {
namespace {

using transport::DatagramSink;
using transport::InDatagram;

std::unexpected<Error> session_ended() {
    return make_error(ErrorCode::kNotFound, "This session has ended.");
}

}  // namespace

WorkerCore::WorkerCore(WorkerCoreConfig config, RandomSource& random, transport::SrtpFanout& fanout)
    : state_(std::move(config), random, fanout), intake_(state_), lifetime_(state_) {}

Result<JoinResult> WorkerCore::join(Instant now,
                                    ConnectionId connection,
                                    const JoinRequest& request,
                                    DatagramSink& sink) {
    const Result<sfu::Participant*> begun = lifetime_.begin(now, connection, request, sink);
    if (!begun) {
        return std::unexpected(begun.error());
    }
    sfu::Participant& participant = **begun;
    lifetime_.settle_touched(now, sink);
    return JoinResult{.connection = connection,
                      .participant_id = participant.id(),
                      .conference_id = participant.conference()->id(),
                      .local = describe_local(participant)};
}

sfu::LocalDescription WorkerCore::describe_local(const sfu::Participant& participant) const {
    return {.ice = participant.transport().local_ice(),
            .fingerprint = state_.config.identity->fingerprint(),
            .candidates = state_.config.candidates,
            .senders = participant.describe_senders()};
}

Result<void> WorkerCore::leave(Instant now,
                               ConnectionId connection,
                               LeaveReason reason,
                               DatagramSink& sink) {
    sfu::Participant* participant = state_.connections.find(connection);
    if (participant == nullptr) {
        return session_ended();
    }
    lifetime_.end(now, *participant, reason, sink);
    lifetime_.settle_touched(now, sink);
    return {};
}

Result<sfu::LocalDescription> WorkerCore::restart_ice(Instant now,
                                                      ConnectionId connection,
                                                      transport::IceCredentials remote) {
    sfu::Participant* participant = state_.connections.find(connection);
    if (participant == nullptr) {
        return session_ended();
    }
    lifetime_.restart_ice(now, *participant, std::move(remote));
    return describe_local(*participant);
}

Result<sfu::LocalDescription> WorkerCore::renegotiate(Instant now,
                                                      ConnectionId connection,
                                                      const sfu::ConnectionDescription& description,
                                                      DatagramSink& sink) {
    sfu::Participant* participant = state_.connections.find(connection);
    if (participant == nullptr) {
        return session_ended();
    }
    if (const auto done = lifetime_.renegotiate(now, *participant, description, sink); !done) {
        return std::unexpected(done.error());
    }
    lifetime_.settle_touched(now, sink);
    // It may have ended then, for other reasons.
    participant = state_.connections.find(connection);
    if (participant == nullptr) {
        return session_ended();
    }
    return describe_local(*participant);
}

Result<void> WorkerCore::set_layer_wish(Instant now,
                                        ConnectionId connection,
                                        const std::string& mid,
                                        const sfu::LayerWish& wish,
                                        DatagramSink& sink) {
    sfu::Participant* participant = state_.connections.find(connection);
    if (participant == nullptr) {
        return session_ended();
    }
    if (!participant->set_layer_wish(now, mid, wish)) {
        return make_error(ErrorCode::kNotFound, "This session is sent no video there.");
    }
    lifetime_.settle_touched(now, sink);
    return {};
}

Result<void> WorkerCore::remove_participant(Instant now,
                                            const std::string& conference,
                                            const std::string& identity,
                                            DatagramSink& sink) {
    if (state_.find_conference(conference) == nullptr) {
        return make_error(ErrorCode::kNotFound, "There is no such conference on this node.");
    }
    if (lifetime_.end_identity(now, conference, identity, LeaveReason::kRemoved, sink) == 0) {
        return make_error(ErrorCode::kNotFound, "Nobody with this identity is in the conference.");
    }
    lifetime_.settle_touched(now, sink);
    return {};
}

std::size_t WorkerCore::end_conference(Instant now,
                                       const std::string& name,
                                       LeaveReason reason,
                                       DatagramSink& sink) {
    std::vector<sfu::Participant*> ending;
    for (const auto& [conference_name, conference] : state_.conferences) {
        if (name.empty() || conference_name == name) {
            ending.insert(
                ending.end(), conference->participants().begin(), conference->participants().end());
        }
    }
    // The end of one ends no other: all these are there until it is their turn.
    for (sfu::Participant* participant : ending) {
        lifetime_.end(now, *participant, reason, sink);
    }
    lifetime_.settle_touched(now, sink);
    return ending.size();
}

void WorkerCore::handle_datagrams(Instant now,
                                  std::span<const InDatagram> datagrams,
                                  DatagramSink& sink) {
    take_in(now, datagrams, sink);
    forward(now, sink);
}

void WorkerCore::take_in(Instant now, std::span<const InDatagram> datagrams, DatagramSink& sink) {
    // More at once than the tracks' caches keep in place.
    CHECK(datagrams.size() <= kBatchMax);
    ++state_.stats.input_batches;
    state_.stats.datagrams_received += datagrams.size();
    for (const InDatagram& datagram : datagrams) {
        state_.stats.bytes_received += datagram.bytes.size();
        intake_.handle(now, datagram, sink);
    }
    for (const sfu::ParticipantId id : state_.touched) {
        if (const sfu::Participant* participant = state_.connections.find(id)) {
            for (const auto& track : participant->tracks()) {
                track->tap_pending(now);
            }
        }
    }
}

void WorkerCore::forward(Instant now, DatagramSink& sink) {
    // What came in is stored; now every receiver gets all of it in one go, so that its packets lie
    // side by side when they are encrypted and sent.
    for (std::size_t i = 0; i < state_.touched.size(); ++i) {
        if (sfu::Participant* participant = state_.connections.find(state_.touched[i])) {
            participant->forward_pending(now, state_.egress, sink);
        }
    }
    state_.egress.flush(sink);
    lifetime_.settle_touched(now, sink);
}

void WorkerCore::release_paced(Instant now, DatagramSink& sink) {
    state_.pacing.release_due(now, [&](sfu::ParticipantId id) {
        sfu::Participant* participant = state_.connections.find(id);
        if (participant == nullptr) {
            return kNever;
        }
        const Instant next = participant->release(now, state_.egress, sink);
        participant->send_probes(now, state_.egress, sink);
        state_.rearm(*participant);
        return next;
    });
    state_.egress.flush(sink);
}

void WorkerCore::handle_path_closed(Instant now, const transport::Path& path) {
    intake_.handle_path_closed(now, path);
}

void WorkerCore::handle_timeout(Instant now, DatagramSink& sink) {
    while (const auto id = state_.timers.poll(now)) {
        if (sfu::Participant* participant = state_.connections.find(*id)) {
            participant->handle_timeout(now);
            participant->touch();
        }
    }
    state_.relay.handle_timeout(now);
    release_paced(now, sink);
    if (now >= speakers_at_) {
        speakers_at_ = now + sfu::SpeakerLevels::kInterval;
        for (const auto& [name, conference] : state_.conferences) {
            tell_speakers(now, *conference, state_.events);
        }
    }
    lifetime_.settle_touched(now, sink);
}

Instant WorkerCore::next_timeout() const {
    return std::min({state_.timers.next_timeout(),
                     state_.relay.next_timeout(),
                     state_.pacing.next_timeout(),
                     state_.conferences.empty() ? kNever : speakers_at_});
}

void WorkerCore::link_conference(Instant now,
                                 const std::string& name,
                                 const std::string& id,
                                 std::uint32_t peer) {
    state_.relay.link(state_.find_or_make_conference(now, name, id), peer);
}

void WorkerCore::unlink_conference(Instant now, const std::string& name, std::uint32_t peer) {
    if (sfu::Conference* conference = state_.find_conference(name)) {
        state_.relay.unlink(now, *conference, peer);
        state_.drop_if_empty(*conference);
    }
}

void WorkerCore::handle_relay_message(Instant now,
                                      std::uint32_t from,
                                      relay::RelayMessage message,
                                      DatagramSink& sink) {
    sfu::Conference* conference = state_.find_conference(state_.relay.conference_of(from, message));
    state_.relay.handle_message(now, from, std::move(message), conference);
    lifetime_.settle_touched(now, sink);
}

bool WorkerCore::handle_relay_packets(Instant now, DatagramSink& sink) {
    return state_.relay.handle_packets(now, state_.egress, sink);
}

void WorkerCore::handle_data(Instant now,
                             std::span<const data::SctpPacket> packets,
                             std::vector<data::AssociationEvent> events,
                             DatagramSink& sink) {
    lifetime_.handle_data(now, packets, std::move(events), sink);
    lifetime_.settle_touched(now, sink);
}

std::optional<ConnectionGone> WorkerCore::poll_gone() {
    return lifetime_.poll_gone();
}

std::vector<sfu::ConferenceInfo> WorkerCore::describe_all(Instant now, bool details) const {
    return describe_conferences(now, state_, details);
}

std::optional<sfu::ConferenceInfo> WorkerCore::describe(Instant now,
                                                        const std::string& name) const {
    return describe_conference(now, state_, name);
}

sfu::WorkerStats WorkerCore::stats() const {
    return collect_stats(state_);
}

WorkerActivity WorkerCore::take_activity() {
    WorkerActivity activity{.packets = state_.stats.datagrams_received +
                                       state_.stats.datagrams_sent +
                                       state_.egress.counters().packets};
    state_.connections.for_each([&activity](sfu::Participant& participant) {
        activity.loading += participant.take_media_moved() ? 1 : 0;
    });
    return activity;
}

}  // namespace isthmus::media
