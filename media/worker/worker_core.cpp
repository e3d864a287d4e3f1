#include "media/worker/worker_core.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "media/sfu/published_track.h"

namespace isthmus::media {
namespace {

using transport::DatagramKind;
using transport::DatagramSink;
using transport::InDatagram;

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

WorkerCore::WorkerCore(WorkerCoreConfig config, RandomSource& random, transport::SrtpFanout& fanout)
    : config_(std::move(config)),
      random_(random),
      fanout_(fanout),
      egress_(fanout),
      relay_(config_.index, config_.rings, config_.limits) {}

WorkerCore::~WorkerCore() = default;

Result<JoinResult> WorkerCore::join(Instant now,
                                    ConnectionId connection,
                                    const JoinRequest& request,
                                    DatagramSink& sink) {
    // The same identity again is the same person on a new connection: the old one makes room, and
    // takes the conference along where nobody else is in it.
    if (!request.beside) {
        end_identity(now, request.conference, request.identity, LeaveReason::kReplaced, sink);
    }
    const auto found = conferences_.find(request.conference);
    sfu::Conference& conference =
        found != conferences_.end()
            ? *found->second
            : make_conference(now, request.conference, request.conference_id);
    if (conference.size() >= config_.limits.participants_per_conference) {
        return make_error(ErrorCode::kLimitExceeded,
                          "The conference has as many participants as it may have.");
    }
    sfu::ParticipantConfig participant_config{
        .id = request.participant_id.empty() ? "PA_" + random_.next_token(12)
                                             : request.participant_id,
        .connection = connection.value,
        .identity = request.identity,
        .name = request.name,
        .can_publish = request.can_publish,
        .can_subscribe = request.can_subscribe,
        .hidden = request.hidden,
        .watch_identity = request.watch_identity,
        .joined_at_unix_ms = unix_ms(now),
        .unix_ns_at_zero = config_.unix_ns_at_zero,
        .limits = config_.limits,
        .congestion = config_.congestion,
        .transport = {.local_ice = make_credentials(random_),
                      .remote_ice = request.description.remote_ice,
                      .remote_fingerprint = request.description.remote_fingerprint,
                      .role = request.description.local_role,
                      .identity = config_.identity,
                      .fanout = &fanout_,
                      .limits = config_.transport_limits},
    };
    auto made = sfu::Participant::make(now,
                                       std::move(participant_config),
                                       request.description.sections,
                                       random_,
                                       touched_,
                                       pacing_);
    if (!made) {
        drop_if_empty(conference);
        return std::unexpected(made.error());
    }
    const ParticipantId id = participants_.emplace(*std::move(made));
    sfu::Participant& participant = **participants_.find(id);
    participant.set_handle(id);
    by_connection_.emplace(connection.value, id);
    by_ufrag_.emplace(participant.transport().local_ice().ufrag, id);
    conference.add(participant);
    participant.touch();
    events_.emplace_back(ParticipantJoined{.connection = connection,
                                           .conference = conference.name(),
                                           .conference_id = conference.id(),
                                           .participant_id = participant.id(),
                                           .identity = participant.identity(),
                                           .name = request.name,
                                           .hidden = participant.hidden()});
    settle_touched(now, sink);
    return JoinResult{.connection = connection,
                      .participant_id = participant.id(),
                      .conference_id = conference.id(),
                      .local = describe_local(participant)};
}

std::size_t WorkerCore::end_identity(Instant now,
                                     const std::string& conference,
                                     const std::string& identity,
                                     LeaveReason reason,
                                     DatagramSink& sink) {
    std::size_t ended = 0;
    // The last one takes the conference along.
    for (sfu::Conference* in = nullptr; (in = find_conference(conference)) != nullptr; ++ended) {
        const sfu::Participant* participant = in->find_identity(identity);
        if (participant == nullptr) {
            break;
        }
        end_participant(now, by_connection_.at(participant->connection()), reason, sink);
    }
    return ended;
}

sfu::Conference& WorkerCore::make_conference(Instant now, const std::string& name, std::string id) {
    if (id.empty()) {
        id = "RM_" + random_.next_token(12);
    }
    auto conference = std::make_unique<sfu::Conference>(
        sfu::ConferenceConfig{.id = std::move(id),
                              .name = name,
                              .created_at_unix_ms = unix_ms(now),
                              .audio_loudest = config_.limits.audio_loudest});
    return *conferences_.emplace(name, std::move(conference)).first->second;
}

sfu::Conference* WorkerCore::find_conference(const std::string& name) const {
    const auto found = conferences_.find(name);
    return found == conferences_.end() ? nullptr : found->second.get();
}

void WorkerCore::link_conference(Instant now,
                                 const std::string& name,
                                 const std::string& id,
                                 std::uint32_t peer) {
    sfu::Conference* conference = find_conference(name);
    relay_.link(conference != nullptr ? *conference : make_conference(now, name, id), peer);
}

void WorkerCore::unlink_conference(Instant now, const std::string& name, std::uint32_t peer) {
    if (sfu::Conference* conference = find_conference(name)) {
        relay_.unlink(now, *conference, peer);
        drop_if_empty(*conference);
    }
}

void WorkerCore::handle_relay_message(Instant now,
                                      std::uint32_t from,
                                      relay::RelayMessage message,
                                      DatagramSink& sink) {
    sfu::Conference* conference = find_conference(relay_.conference_of(from, message));
    relay_.handle_message(now, from, std::move(message), conference);
    settle_touched(now, sink);
}

bool WorkerCore::handle_relay_packets(Instant now, DatagramSink& sink) {
    return relay_.handle_packets(now, egress_, sink);
}

sfu::LocalDescription WorkerCore::describe_local(const sfu::Participant& participant) const {
    return {.ice = participant.transport().local_ice(),
            .fingerprint = config_.identity->fingerprint(),
            .candidates = config_.candidates,
            .senders = participant.describe_senders()};
}

Result<void> WorkerCore::leave(Instant now,
                               ConnectionId connection,
                               LeaveReason reason,
                               DatagramSink& sink) {
    const auto found = by_connection_.find(connection.value);
    if (found == by_connection_.end()) {
        return make_error(ErrorCode::kNotFound, "This session has ended.");
    }
    end_participant(now, found->second, reason, sink);
    settle_touched(now, sink);
    return {};
}

Result<sfu::LocalDescription> WorkerCore::restart_ice(Instant now,
                                                      ConnectionId connection,
                                                      transport::IceCredentials remote) {
    const auto found = by_connection_.find(connection.value);
    if (found == by_connection_.end()) {
        return make_error(ErrorCode::kNotFound, "This session has ended.");
    }
    sfu::Participant& participant = **participants_.find(found->second);
    // Both ufrags lead here until the session ends: checks with the old one may still be on the
    // way.
    transport::IceCredentials local = make_credentials(random_);
    by_ufrag_.emplace(local.ufrag, found->second);
    participant.remember_ufrag(local.ufrag);
    participant.transport().restart_ice(now, std::move(local), std::move(remote));
    rearm(found->second);
    return describe_local(participant);
}

Result<sfu::LocalDescription> WorkerCore::renegotiate(
    Instant /*now*/,
    ConnectionId /*connection*/,
    const sfu::ConnectionDescription& /*description*/,
    DatagramSink& /*sink*/) {
    return make_error(ErrorCode::kUnavailable, "Sections cannot be changed yet.");
}

void WorkerCore::send_data(Instant /*now*/,
                           ConnectionId /*connection*/,
                           const DataMessage& /*message*/,
                           DatagramSink& /*sink*/) {}

Result<void> WorkerCore::set_layer_wish(Instant now,
                                        ConnectionId connection,
                                        const std::string& mid,
                                        const sfu::LayerWish& wish,
                                        DatagramSink& sink) {
    const auto found = by_connection_.find(connection.value);
    if (found == by_connection_.end()) {
        return make_error(ErrorCode::kNotFound, "This session has ended.");
    }
    if (!(**participants_.find(found->second)).set_layer_wish(now, mid, wish)) {
        return make_error(ErrorCode::kNotFound, "This session is sent no video there.");
    }
    settle_touched(now, sink);
    return {};
}

Result<void> WorkerCore::remove_participant(Instant now,
                                            const std::string& conference,
                                            const std::string& identity,
                                            DatagramSink& sink) {
    if (find_conference(conference) == nullptr) {
        return make_error(ErrorCode::kNotFound, "There is no such conference on this node.");
    }
    if (end_identity(now, conference, identity, LeaveReason::kRemoved, sink) == 0) {
        return make_error(ErrorCode::kNotFound, "Nobody with this identity is in the conference.");
    }
    settle_touched(now, sink);
    return {};
}

std::size_t WorkerCore::end_conference(Instant now,
                                       const std::string& name,
                                       LeaveReason reason,
                                       DatagramSink& sink) {
    std::vector<ParticipantId> ending;
    for (const auto& [conference_name, conference] : conferences_) {
        if (name.empty() || conference_name == name) {
            for (const sfu::Participant* participant : conference->participants()) {
                ending.push_back(by_connection_.at(participant->connection()));
            }
        }
    }
    for (const ParticipantId id : ending) {
        end_participant(now, id, reason, sink);
    }
    settle_touched(now, sink);
    return ending.size();
}

void WorkerCore::end_participant(Instant now,
                                 ParticipantId id,
                                 LeaveReason reason,
                                 DatagramSink& sink) {
    std::unique_ptr<sfu::Participant>* found = participants_.find(id);
    if (found == nullptr) {
        return;
    }
    // What waits in the batch lies in the caches of who leaves, and is for its keys.
    egress_.flush(sink);
    sfu::Participant& participant = **found;
    participant.close(now, sink);
    add_transport_counters(participant, stats_);
    add_media_counters(participant, stats_);

    if (participant.connected_before()) {
        for (const auto& track : participant.tracks()) {
            events_.emplace_back(
                TrackEnded{.connection = {participant.connection()}, .track_id = track->id()});
        }
    }
    sfu::Conference& conference = *participant.conference();
    gone_.push_back({.connection = {participant.connection()},
                     .conference = conference.name(),
                     .identity = participant.identity(),
                     .reason = reason});
    relay_.on_leaving(participant);
    conference.remove(now, participant);
    drop_if_empty(conference);

    by_connection_.erase(participant.connection());
    for (const std::string& ufrag : participant.ufrags()) {
        by_ufrag_.erase(ufrag);
    }
    for (const transport::Path& path : participant.paths()) {
        unbind_path(id, path);
    }
    timers_.erase(id);
    participants_.erase(id);
}

void WorkerCore::drop_if_empty(const sfu::Conference& conference) {
    if (conference.size() == 0 && !relay_.is_linked(conference.name())) {
        add_audio_counters(conference, stats_);
        conferences_.erase(conferences_.find(conference.name()));
    }
}

void WorkerCore::handle_datagrams(Instant now,
                                  std::span<const InDatagram> datagrams,
                                  DatagramSink& sink) {
    // More at once than the tracks' caches keep in place.
    CHECK(datagrams.size() <= kBatchMax);
    ++stats_.input_batches;
    stats_.datagrams_received += datagrams.size();
    for (const InDatagram& datagram : datagrams) {
        stats_.bytes_received += datagram.bytes.size();
        handle_datagram(now, datagram, sink);
    }
    // What came in is stored; now every receiver gets all of it in one go, so that its packets lie
    // side by side when they are encrypted and sent.
    for (std::size_t i = 0; i < touched_.size(); ++i) {
        if (std::unique_ptr<sfu::Participant>* participant = participants_.find(touched_[i])) {
            (*participant)->forward_pending(now, egress_, sink);
        }
    }
    egress_.flush(sink);
    settle_touched(now, sink);
}

void WorkerCore::release_paced(Instant now, DatagramSink& sink) {
    pacing_.release_due(now, [&](ParticipantId id) {
        std::unique_ptr<sfu::Participant>* participant = participants_.find(id);
        if (participant == nullptr) {
            return kNever;
        }
        const Instant next = (*participant)->release(now, egress_, sink);
        (*participant)->send_probes(now, egress_, sink);
        rearm(id);
        return next;
    });
    egress_.flush(sink);
}

void WorkerCore::settle_touched(Instant now, DatagramSink& sink) {
    // Settling one may touch others: who leaves frees places for those who stay.
    for (std::size_t i = 0; i < touched_.size(); ++i) {
        settle(now, touched_[i], sink);
    }
    touched_.clear();
    egress_.flush(sink);
}

void WorkerCore::handle_datagram(Instant now, const InDatagram& datagram, DatagramSink& sink) {
    const DatagramKind kind = transport::classify(datagram.bytes);
    if (kind == DatagramKind::kStun) {
        handle_stun(now, datagram, sink);
        return;
    }
    const auto bound = by_path_.find(*datagram.path);
    if (bound == by_path_.end() || kind == DatagramKind::kOther) {
        ++stats_.datagrams_unknown;
        return;
    }
    const ParticipantId id = bound->second;
    sfu::Participant& participant = **participants_.find(id);
    participant.touch();
    switch (kind) {
        case DatagramKind::kDtls:
            participant.transport().handle_dtls(now, *datagram.path, datagram.bytes);
            drain_datagrams(participant, sink);
            break;
        case DatagramKind::kRtp:
            participant.handle_rtp(now, datagram.bytes, stats_);
            break;
        case DatagramKind::kRtcp:
            participant.handle_rtcp(now, datagram.bytes, egress_, sink, stats_);
            break;
        case DatagramKind::kStun:
        case DatagramKind::kOther:
            break;
    }
}

void WorkerCore::handle_stun(Instant now, const InDatagram& datagram, DatagramSink& sink) {
    const auto named = by_ufrag_.find(transport::stun_local_ufrag(datagram.bytes));
    if (named == by_ufrag_.end()) {
        ++stats_.stun_bad;
        return;
    }
    const ParticipantId id = named->second;
    sfu::Participant& participant = **participants_.find(id);
    // Only an authentic check binds a path: nobody else can claim one.
    participant.transport().handle_stun(now, *datagram.path, datagram.bytes);
    if (participant.transport().is_verified(*datagram.path)) {
        bind_path(participant, id, *datagram.path);
    }
    drain_datagrams(participant, sink);
    participant.touch();
}

void WorkerCore::bind_path(sfu::Participant& participant,
                           ParticipantId id,
                           const transport::Path& path) {
    const auto [bound, is_new] = by_path_.try_emplace(path, id);
    if (!is_new && bound->second == id) {
        return;
    }
    bound->second = id;
    if (const auto oldest = participant.remember_path(path)) {
        unbind_path(id, *oldest);
    }
}

void WorkerCore::unbind_path(ParticipantId id, const transport::Path& path) {
    const auto bound = by_path_.find(path);
    if (bound != by_path_.end() && bound->second == id) {
        by_path_.erase(bound);
    }
}

void WorkerCore::drain_datagrams(sfu::Participant& participant, DatagramSink& sink) {
    while (const auto datagram = participant.transport().poll_datagram()) {
        ++stats_.datagrams_sent;
        stats_.bytes_sent += datagram->bytes.size();
        sink.send({&*datagram, 1});
    }
}

void WorkerCore::settle(Instant now, ParticipantId id, DatagramSink& sink) {
    std::unique_ptr<sfu::Participant>* found = participants_.find(id);
    if (found == nullptr) {
        return;
    }
    sfu::Participant& participant = **found;
    participant.clear_touched();
    drain_datagrams(participant, sink);
    while (const auto event = participant.transport().poll_event()) {
        if (event->kind == transport::TransportEventKind::kConnected) {
            on_connected(now, participant);
        } else if (event->kind == transport::TransportEventKind::kClosed) {
            const LeaveReason reason = leave_reason_for(event->reason);
            if (reason == LeaveReason::kTimeout) {
                ++stats_.connections_closed_by_timeout;
            }
            end_participant(now, id, reason, sink);
            return;
        }
    }
    participant.send_probes(now, egress_, sink);
    participant.send_feedback(now, sink, stats_);
    rearm(id);
}

void WorkerCore::on_connected(Instant now, sfu::Participant& participant) {
    participant.on_connected(now);
    participant.conference()->on_connected(now, participant);
    relay_.on_connected(*participant.conference(), participant);
    events_.emplace_back(ParticipantConnected{.connection = {participant.connection()}});
    for (const auto& track : participant.tracks()) {
        tell_published(participant, *track);
    }
}

void WorkerCore::tell_published(const sfu::Participant& participant,
                                const sfu::PublishedTrack& track) {
    const sfu::MediaSection& section = track.section();
    events_.emplace_back(
        TrackPublished{.connection = {participant.connection()},
                       .track_id = track.id(),
                       .mid = section.mid,
                       .kind = section.kind,
                       .codec = std::string(rtp::name_of(section.formats.front().codec)),
                       .simulcast = track.is_simulcast()});
}

void WorkerCore::rearm(ParticipantId id) {
    timers_.set(id, (*participants_.find(id))->next_timeout());
}

void WorkerCore::handle_path_closed(Instant now, const transport::Path& path) {
    const auto bound = by_path_.find(path);
    if (bound == by_path_.end()) {
        return;
    }
    const ParticipantId id = bound->second;
    by_path_.erase(bound);
    sfu::Participant& participant = **participants_.find(id);
    participant.forget_path(path);
    participant.transport().handle_link_closed(now, path.link);
    rearm(id);
}

void WorkerCore::handle_timeout(Instant now, DatagramSink& sink) {
    while (const auto id = timers_.poll(now)) {
        std::unique_ptr<sfu::Participant>* found = participants_.find(*id);
        if (found == nullptr) {
            continue;
        }
        (*found)->handle_timeout(now);
        (*found)->touch();
    }
    relay_.handle_timeout(now);
    release_paced(now, sink);
    settle_touched(now, sink);
}

Instant WorkerCore::next_timeout() const {
    return std::min({timers_.next_timeout(), relay_.next_timeout(), pacing_.next_timeout()});
}

std::optional<ConnectionGone> WorkerCore::poll_gone() {
    if (gone_.empty()) {
        return std::nullopt;
    }
    ConnectionGone gone = std::move(gone_.front());
    gone_.erase(gone_.begin());
    return gone;
}

std::vector<sfu::ConferenceInfo> WorkerCore::describe_all(Instant now, bool details) const {
    std::vector<sfu::ConferenceInfo> all;
    for (const auto& [name, conference] : conferences_) {
        all.push_back(describe(now, *conference, details));
    }
    return all;
}

std::optional<sfu::ConferenceInfo> WorkerCore::describe(Instant now,
                                                        const std::string& name) const {
    const auto found = conferences_.find(name);
    if (found == conferences_.end()) {
        return std::nullopt;
    }
    return describe(now, *found->second, true);
}

sfu::ConferenceInfo WorkerCore::describe(Instant now,
                                         const sfu::Conference& conference,
                                         bool details) const {
    sfu::ConferenceInfo info{.id = conference.id(),
                             .name = conference.name(),
                             .created_at_unix_ms = conference.created_at_unix_ms(),
                             .worker = config_.index,
                             .participant_count = static_cast<std::uint32_t>(conference.size()),
                             .dominant_speaker = {},
                             .participants = {}};
    if (const sfu::PublishedTrack* dominant = conference.audio().dominant()) {
        info.dominant_speaker = dominant->owner().identity();
    }
    if (details) {
        for (const sfu::Participant* participant : conference.participants()) {
            info.participants.push_back(participant->describe(now));
        }
    }
    return info;
}

sfu::WorkerStats WorkerCore::stats() const {
    sfu::WorkerStats stats = stats_;
    stats.rtp_forwarded = egress_.counters().packets;
    stats.datagrams_sent += egress_.counters().packets;
    stats.bytes_sent += egress_.counters().bytes;
    stats.output_batches = egress_.counters().batches;
    stats.rtp_oversized = egress_.counters().oversized;
    const relay::RelayCounters& relayed = relay_.counters();
    stats.relay_packets_sent = relayed.packets_out;
    stats.relay_packets_received = relayed.packets_in;
    stats.relay_packets_dropped = relayed.dropped_full + relayed.dropped_unknown;
    stats.relay_queue_bytes = relay_.queued_bytes_max();
    stats.conferences = conferences_.size();
    for (const auto& [name, conference] : conferences_) {
        add_audio_counters(*conference, stats);
    }
    stats.participants = participants_.size();
    participants_.for_each([&stats](auto, const std::unique_ptr<sfu::Participant>& participant) {
        add_transport_counters(*participant, stats);
        add_media_counters(*participant, stats);
        stats.tracks += participant->tracks().size();
        for (const auto& subscription : participant->subscriptions()) {
            stats.subscriptions += subscription->track() != nullptr ? 1 : 0;
        }
    });
    return stats;
}

void WorkerCore::add_audio_counters(const sfu::Conference& conference, sfu::WorkerStats& stats) {
    const sfu::AudioCounters counters = conference.audio().counters();
    stats.audio_gated += counters.gated;
    stats.dominant_speaker_changes += counters.dominant_changes;
    stats.audio_ranking_changes += counters.ranking_changes;
}

void WorkerCore::add_transport_counters(const sfu::Participant& participant,
                                        sfu::WorkerStats& stats) {
    const transport::TransportCounters& counters = participant.transport().counters();
    stats.stun_bad += counters.stun_bad;
    stats.dtls_unverified += counters.dtls_unverified;
    stats.srtp_auth_failures += counters.srtp_auth_failures;
    stats.srtp_replays += counters.srtp_replays;
    stats.srtp_malformed += counters.srtp_malformed;
    stats.srtp_unverified += counters.srtp_unverified;
}

void WorkerCore::add_media_counters(const sfu::Participant& participant, sfu::WorkerStats& stats) {
    for (const auto& subscription : participant.subscriptions()) {
        stats.red_packets += subscription->counters().red_packets;
        stats.repair_packets += subscription->repair_packets();
        stats.nacks_ignored += subscription->nacks_ignored();
        stats.key_frame_requests_ignored += subscription->key_frame_requests_ignored();
        if (const sfu::VideoFollower* video = subscription->video()) {
            stats.undecodable += video->undecodable();
        }
    }
    for (const auto& track : participant.tracks()) {
        for (const auto& stream : track->streams()) {
            stats.rtp_duplicates += stream->receive.counters().duplicates;
            stats.rtp_jumps += stream->receive.counters().jumps;
            stats.rtp_bad_payloads += stream->bad_payloads();
        }
    }
    const sfu::DownlinkInfo downlink = participant.downlink().describe();
    stats.paced += downlink.paced;
    stats.pacer_dropped_full += downlink.dropped_full;
    stats.pacer_dropped_expired += downlink.dropped_expired;
    stats.probe_padding += downlink.padding_packets;
    stats.feedback_unknown += downlink.feedback_unknown;
    stats.feedback_repeated += downlink.feedback_repeated;
    stats.feedback_refused += downlink.feedback_refused + downlink.feedback_truncated;
}

std::int64_t WorkerCore::unix_ms(Instant now) const {
    return (config_.unix_ns_at_zero + now.time_since_epoch().count()) / 1'000'000;
}

}  // namespace isthmus::media
