#include "tools/load/load_sample.h"

#include <algorithm>

namespace isthmus::load {

void MediaCounts::add(const MediaCounts& other) {
    packets += other.packets;
    media_packets += other.media_packets;
    media_bytes += other.media_bytes;
    lost += other.lost;
    repaired += other.repaired;
    reordered += other.reordered;
    duplicates += other.duplicates;
    nacks += other.nacks;
    key_frame_requests += other.key_frame_requests;
    frames += other.frames;
    freezes += other.freezes;
    frozen += other.frozen;
    srtp_errors += other.srtp_errors;
    bad += other.bad;
    unknown += other.unknown;
    jitter_max_seconds = std::max(jitter_max_seconds, other.jitter_max_seconds);
    sent_packets += other.sent_packets;
    sent_bytes += other.sent_bytes;
    sent_frames += other.sent_frames;
    skipped_frames += other.skipped_frames;
    retransmitted += other.retransmitted;
    key_frames_asked += other.key_frames_asked;
}

void DurationSet::add(const DurationSet& other) {
    video_latency.add(other.video_latency);
    audio_latency.add(other.audio_latency);
    signaling.add(other.signaling);
    connect.add(other.connect);
    first_media.add(other.first_media);
    first_frame.add(other.first_frame);
    key_frame_wait.add(other.key_frame_wait);
    jitter.add(other.jitter);
}

void LoadSample::add(const LoadSample& other) {
    participants.started += other.participants.started;
    participants.signaling += other.participants.signaling;
    participants.connecting += other.participants.connecting;
    participants.connected += other.participants.connected;
    participants.receiving += other.participants.receiving;
    participants.failed += other.participants.failed;
    participants.tracks += other.participants.tracks;
    media.add(other.media);
    durations.add(other.durations);
    cpu_ns += other.cpu_ns;
    kernel_ns += other.kernel_ns;
    receive_calls += other.receive_calls;
    socket_drops += other.socket_drops;
    send_drops += other.send_drops;
    trickled += other.trickled;
    trickles_refused += other.trickles_refused;
    if (!other.last_failure.empty()) {
        last_failure = other.last_failure;
    }
}

}  // namespace isthmus::load
