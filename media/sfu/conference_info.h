// Snapshots of what goes on, for the API, the metrics and the pages. Plain values, copied between
// threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/rtp/payload_format.h"
#include "media/sfu/track_source.h"

namespace isthmus::media::sfu {

struct StreamInfo {
    std::uint32_t ssrc = 0;
    std::string rid;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // RTP payload
    std::uint64_t packets_lost = 0;
    std::uint64_t packets_repaired = 0;  // came as RTX
    std::uint64_t duplicates = 0;        // had come already; also as RTX
    std::uint64_t jumps = 0;             // restarts of the sequence numbers
    std::uint64_t bad_payloads = 0;      // descriptors or RED that contradict themselves
    std::uint64_t nacks = 0;             // sequence numbers asked for
    std::uint64_t key_frame_requests = 0;
    std::uint64_t key_frames = 0;
    double jitter_seconds = 0;
    double bitrate_bps = 0;         // over the last second or two
    std::uint64_t cache_bytes = 0;  // memory held for retransmission
};

// One way to send a video: in simulcast `spatial` is the encoding, smallest first.
struct LayerInfo {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    std::uint32_t width = 0;  // 0 where not known
    std::uint32_t height = 0;
    double fps = 0;
    double bitrate_bps = 0;  // of all that is sent when it is chosen
    bool alive = false;
};

struct TrackInfo {
    std::string id;  // "TR_..."
    rtp::MediaKind kind = rtp::MediaKind::kAudio;
    TrackSource source = TrackSource::kMicrophone;
    std::string codec;  // of the last packet; empty before the first
    std::string mid;
    std::vector<StreamInfo> streams;
    std::vector<LayerInfo> layers;  // video
    std::uint32_t subscribers = 0;
};

struct LayerName {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
};

// What one participant is sent of one track.
struct SubscriptionInfo {
    std::string track_id;
    std::uint32_t ssrc = 0;
    bool waiting_for_key_frame = false;
    // Video: the layer that is to be sent, nothing while paused, and the one that is.
    std::optional<LayerName> target;
    std::optional<LayerName> current;
    std::uint64_t undecodable = 0;  // frames withheld since others were not sent
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t retransmissions = 0;
    std::uint64_t nacks = 0;                       // sequence numbers that the client asked for
    std::uint64_t nacks_unanswered = 0;            // no longer in the cache, or over the limit
    std::uint64_t nacks_ignored = 0;               // of them: too many to look into
    std::uint64_t key_frame_requests = 0;          // PLI and FIR from the client
    std::uint64_t key_frame_requests_ignored = 0;  // of them: not passed on, too often
    std::uint64_t no_format = 0;       // packets in a codec that the client did not accept
    std::uint64_t red_packets = 0;     // sent with earlier frames that the node put in
    std::uint64_t repair_packets = 0;  // FlexFEC
    double loss_ratio = 0;             // from the last receiver report
    double jitter_seconds = 0;
    std::optional<double> rtt_seconds;
};

// The way to one client: what it can take, and what became of what was sent there.
struct DownlinkInfo {
    // The client's bandwidth is measured; else everything is sent at once and the figures that
    // follow from it are zero.
    bool measured = false;
    double target_bps = 0;  // for media
    std::optional<double> throughput_bps;
    std::optional<double> round_trip_seconds;
    double loss_ratio = 0;
    std::uint64_t bytes_in_flight = 0;
    std::uint64_t overuses = 0;  // times that the delay grew
    std::uint64_t probes = 0;
    std::uint64_t layer_choices = 0;       // times that the bandwidth was shared out
    std::uint64_t paced = 0;               // packets that waited for the pacer
    std::uint64_t dropped_full = 0;        // too many waited
    std::uint64_t dropped_expired = 0;     // no longer kept when their time came
    std::uint64_t padding_packets = 0;     // sent to find out how much the client can take
    std::uint64_t feedback_unknown = 0;    // statuses of packets that were never sent, or forgotten
    std::uint64_t feedback_repeated = 0;   // statuses told before
    std::uint64_t feedback_refused = 0;    // messages that tell of more than was sent
    std::uint64_t feedback_truncated = 0;  // messages whose bytes do not suffice
};

struct ParticipantInfo {
    std::string id;  // "PA_..."
    std::string identity;
    std::string name;
    std::int64_t joined_at_unix_ms = 0;
    bool connected = false;
    bool hidden = false;         // not to be shown to other participants
    std::string remote_address;  // of the selected path
    std::string protocol;        // "udp" or "tcp"
    std::string srtp_profile;
    bool speaking = false;
    // RFC 6464, of the last audio packet: 0 is the loudest, 127 silence. Nothing where none is
    // sent.
    std::optional<std::uint8_t> audio_level_minus_dbov;
    std::vector<TrackInfo> tracks;
    std::vector<SubscriptionInfo> subscriptions;
    DownlinkInfo downlink;
};

struct ConferenceInfo {
    std::string id;  // "RM_..."
    std::string name;
    std::int64_t created_at_unix_ms = 0;
    std::uint32_t worker = 0;
    std::uint32_t participant_count = 0;
    std::string dominant_speaker;  // identity; empty before anybody spoke
    // One entry for each connection; empty where details were not asked for.
    std::vector<ParticipantInfo> participants;
};

// One worker's figures since start; all counters but the last group.
struct WorkerStats {
    std::uint64_t datagrams_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t datagrams_sent = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t datagrams_unknown = 0;  // from no known path, or of no known kind
    std::uint64_t rtp_received = 0;
    std::uint64_t rtp_malformed = 0;
    std::uint64_t rtp_unroutable = 0;  // belongs to no section or stream limit reached
    std::uint64_t rtp_forwarded = 0;   // packet x receiver
    std::uint64_t audio_gated = 0;     // audio packets of those who were not among the loudest
    std::uint64_t dominant_speaker_changes = 0;
    std::uint64_t audio_ranking_changes = 0;
    std::uint64_t rtcp_received = 0;
    std::uint64_t rtcp_malformed = 0;
    std::uint64_t retransmissions = 0;
    std::uint64_t red_packets = 0;     // audio packets that the node put earlier frames into
    std::uint64_t repair_packets = 0;  // FlexFEC packets sent
    std::uint64_t nacks_received = 0;
    std::uint64_t nacks_ignored = 0;  // more than are looked into
    std::uint64_t nacks_sent = 0;
    std::uint64_t key_frame_requests_received = 0;
    std::uint64_t key_frame_requests_ignored = 0;  // of them: not passed on, too often
    std::uint64_t key_frame_requests_sent = 0;
    std::uint64_t stun_bad = 0;
    std::uint64_t dtls_unverified = 0;
    std::uint64_t dtls_refused = 0;
    std::uint64_t dtls_dropped = 0;
    std::uint64_t srtp_auth_failures = 0;
    std::uint64_t srtp_replays = 0;
    std::uint64_t srtp_malformed = 0;
    std::uint64_t srtp_unverified = 0;  // before there are keys
    std::uint64_t rtp_oversized = 0;    // too long for a datagram once rewritten
    std::uint64_t rtcp_unknown = 0;     // messages of no known kind
    std::uint64_t connections_closed_by_timeout = 0;
    std::uint64_t limit_bitrate_drops = 0;
    std::uint64_t rtp_duplicates = 0;    // had come already; also as RTX
    std::uint64_t rtp_jumps = 0;         // restarts of a publisher's sequence numbers
    std::uint64_t rtp_bad_payloads = 0;  // descriptors or RED that contradict themselves
    std::uint64_t undecodable = 0;       // frames withheld from receivers: others were not sent
    std::uint64_t paced = 0;             // packets that waited for a pacer
    std::uint64_t pacer_dropped_full = 0;
    std::uint64_t pacer_dropped_expired = 0;
    std::uint64_t probe_padding = 0;     // packets
    std::uint64_t feedback_unknown = 0;  // statuses of packets that were never sent, or forgotten
    std::uint64_t feedback_repeated = 0;
    std::uint64_t feedback_refused = 0;  // messages that tell of more than was sent, or are cut off
    std::uint64_t socket_receive_drops = 0;  // the kernel's receive buffer was full
    std::uint64_t socket_ecn_capable = 0;    // datagrams received with ECT or CE
    std::uint64_t socket_ecn_congested = 0;  // of those, with CE
    std::uint64_t socket_send_drops = 0;     // datagrams that the kernel did not take
    std::uint64_t socket_send_messages = 0;  // fewer than datagrams where segmented
    std::uint64_t socket_segmentation_refused = 0;
    std::uint64_t tcp_accepted = 0;
    std::uint64_t tcp_refused = 0;         // connections beyond the limits
    std::uint64_t tcp_frames_dropped = 0;  // the client reads too slowly
    double cpu_seconds = 0;                // of the worker's thread
    std::uint64_t input_batches = 0;       // reads that brought at least one datagram
    std::uint64_t output_batches = 0;      // encryption passes; rtp_forwarded / this is their fill
    std::uint64_t relay_packets_sent = 0;  // to other workers
    std::uint64_t relay_packets_received = 0;
    std::uint64_t relay_packets_dropped = 0;  // the ring was full, or the track gone
    std::uint64_t data_packets_received = 0;  // SCTP, in DTLS records
    std::uint64_t data_packets_sent = 0;
    std::uint64_t data_messages_received = 0;
    std::uint64_t data_associations_failed = 0;

    std::uint64_t conferences = 0;
    std::uint64_t participants = 0;
    std::uint64_t connections = 0;  // of participants: some have two
    std::uint64_t tracks = 0;
    std::uint64_t subscriptions = 0;
    std::uint64_t tcp_connections = 0;
    std::uint64_t data_channels = 0;
    std::uint64_t relay_queue_bytes = 0;  // in the fullest ring to this worker
    std::uint64_t mailbox_jobs = 0;       // waiting
    // What placement goes by: see worker/load_ledger.h. Shares of a core.
    double load_estimate = 0;
    double load_cpu_share = 0;               // of it, measured; smoothed
    std::uint64_t connections_admitted = 0;  // also those that have not come yet
};

}  // namespace isthmus::media::sfu
