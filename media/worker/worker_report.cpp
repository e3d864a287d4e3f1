#include "media/worker/worker_report.h"

#include "media/sfu/published_track.h"

namespace isthmus::media {
namespace {

sfu::ConferenceInfo describe(Instant now,
                             const WorkerState& state,
                             const sfu::Conference& conference,
                             bool details) {
    sfu::ConferenceInfo info{.id = conference.id(),
                             .name = conference.name(),
                             .created_at_unix_ms = conference.created_at_unix_ms(),
                             .worker = state.config.index,
                             .participant_count = static_cast<std::uint32_t>(conference.people()),
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

void add_transport_counters(const sfu::Participant& participant, sfu::WorkerStats& stats) {
    const transport::TransportCounters& counters = participant.transport().counters();
    stats.stun_bad += counters.stun_bad;
    stats.dtls_unverified += counters.dtls_unverified;
    stats.dtls_refused += counters.dtls_refused;
    stats.dtls_dropped += counters.dtls_dropped;
    stats.srtp_auth_failures += counters.srtp_auth_failures;
    stats.srtp_replays += counters.srtp_replays;
    stats.srtp_malformed += counters.srtp_malformed;
    stats.srtp_unverified += counters.srtp_unverified;
}

void add_downlink_counters(const sfu::Participant& participant, sfu::WorkerStats& stats) {
    const sfu::DownlinkInfo downlink = participant.downlink().describe();
    stats.paced += downlink.paced;
    stats.pacer_dropped_full += downlink.dropped_full;
    stats.pacer_dropped_expired += downlink.dropped_expired;
    stats.probe_padding += downlink.padding_packets;
    stats.feedback_unknown += downlink.feedback_unknown;
    stats.feedback_repeated += downlink.feedback_repeated;
    stats.feedback_refused += downlink.feedback_refused + downlink.feedback_truncated;
}

}  // namespace

std::vector<sfu::ConferenceInfo> describe_conferences(Instant now,
                                                      const WorkerState& state,
                                                      bool details) {
    std::vector<sfu::ConferenceInfo> all;
    for (const auto& [name, conference] : state.conferences) {
        all.push_back(describe(now, state, *conference, details));
    }
    return all;
}

std::optional<sfu::ConferenceInfo> describe_conference(Instant now,
                                                       const WorkerState& state,
                                                       const std::string& name) {
    const sfu::Conference* conference = state.find_conference(name);
    if (conference == nullptr) {
        return std::nullopt;
    }
    return describe(now, state, *conference, true);
}

sfu::WorkerStats collect_stats(const WorkerState& state) {
    sfu::WorkerStats stats = state.stats;
    const sfu::EgressCounters& sent = state.egress.counters();
    stats.rtp_forwarded = sent.packets;
    stats.datagrams_sent += sent.packets;
    stats.bytes_sent += sent.bytes;
    stats.output_batches = sent.batches;
    stats.rtp_oversized = sent.oversized;
    const relay::RelayCounters& relayed = state.relay.counters();
    stats.relay_packets_sent = relayed.packets_out;
    stats.relay_packets_received = relayed.packets_in;
    stats.relay_packets_dropped = relayed.dropped_full + relayed.dropped_unknown;
    stats.relay_queue_bytes = state.relay.queued_bytes_max();
    state.data.add_to(stats);
    stats.conferences = state.conferences.size();
    for (const auto& [name, conference] : state.conferences) {
        add_counters(*conference, stats);
        stats.participants += conference->people();
    }
    stats.connections = state.connections.size();
    state.connections.for_each([&stats](const sfu::Participant& participant) {
        add_counters(participant, stats);
        stats.tracks += participant.tracks().size();
        for (const auto& subscription : participant.subscriptions()) {
            stats.subscriptions += subscription->track() != nullptr ? 1 : 0;
        }
    });
    return stats;
}

void add_counters(const sfu::Participant& participant, sfu::WorkerStats& stats) {
    add_transport_counters(participant, stats);
    add_downlink_counters(participant, stats);
    for (const auto& subscription : participant.subscriptions()) {
        add_counters(*subscription, stats);
    }
    for (const auto& track : participant.tracks()) {
        add_counters(*track, stats);
    }
}

void add_counters(const sfu::Subscription& subscription, sfu::WorkerStats& stats) {
    stats.red_packets += subscription.counters().red_packets;
    stats.repair_packets += subscription.repair_packets();
    stats.nacks_ignored += subscription.nacks_ignored();
    stats.key_frame_requests_ignored += subscription.key_frame_requests_ignored();
    if (const sfu::VideoFollower* video = subscription.video()) {
        stats.undecodable += video->undecodable();
    }
}

void add_counters(const sfu::PublishedTrack& track, sfu::WorkerStats& stats) {
    for (const auto& stream : track.streams()) {
        stats.rtp_duplicates += stream->receive.counters().duplicates;
        stats.rtp_jumps += stream->receive.counters().jumps;
        stats.rtp_bad_payloads += stream->bad_payloads();
    }
}

void add_counters(const sfu::Conference& conference, sfu::WorkerStats& stats) {
    const sfu::AudioCounters counters = conference.audio().counters();
    stats.audio_gated += counters.gated;
    stats.dominant_speaker_changes += counters.dominant_changes;
    stats.audio_ranking_changes += counters.ranking_changes;
}

}  // namespace isthmus::media
