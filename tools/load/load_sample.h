// What the clients of one thread, or of all, have counted: since the beginning (totals) or, for
// histograms, since they were last cleared.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "tools/load/duration_histogram.h"

namespace isthmus::load {

struct ParticipantCounts {
    std::uint64_t started = 0;  // asked to join
    std::uint64_t signaling = 0;
    std::uint64_t connecting = 0;
    std::uint64_t connected = 0;
    std::uint64_t receiving = 0;  // of those, have media
    std::uint64_t failed = 0;
    std::uint64_t tracks = 0;  // that the node says it sends them; LiveKit
};

struct MediaCounts {
    std::uint64_t packets = 0;  // received and authenticated RTP, retransmissions included
    std::uint64_t media_packets = 0;
    std::uint64_t media_bytes = 0;
    std::uint64_t lost = 0;      // by the network
    std::uint64_t repaired = 0;  // of those
    std::uint64_t reordered = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t nacks = 0;
    std::uint64_t key_frame_requests = 0;
    std::uint64_t frames = 0;
    std::uint64_t freezes = 0;
    Duration frozen{};
    std::uint64_t srtp_errors = 0;
    std::uint64_t bad = 0;
    std::uint64_t unknown = 0;
    double jitter_max_seconds = 0;

    // Sent by publishers.
    std::uint64_t sent_packets = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t sent_frames = 0;
    std::uint64_t skipped_frames = 0;  // we were late
    std::uint64_t retransmitted = 0;
    std::uint64_t key_frames_asked = 0;

    void add(const MediaCounts& other);
};

struct DurationSet {
    DurationHistogram video_latency;   // of the last packet of each frame
    DurationHistogram audio_latency;   // of each packet
    DurationHistogram signaling;       // request sent to answer
    DurationHistogram connect;         // request sent to ICE and DTLS done
    DurationHistogram first_media;     // request sent to the first packet; viewers
    DurationHistogram first_frame;     // request sent to the first whole key frame; viewers
    DurationHistogram key_frame_wait;  // first video packet to the first whole key frame; viewers
    DurationHistogram jitter;          // of each stream (RFC 3550), looked at each second

    void add(const DurationSet& other);
};

struct LoadSample {
    ParticipantCounts participants;
    MediaCounts media;
    DurationSet durations;
    std::uint64_t cpu_ns = 0;     // of the thread
    std::uint64_t kernel_ns = 0;  // of that, in the kernel
    std::uint64_t receive_calls = 0;
    std::uint64_t socket_drops = 0;  // datagrams that our receive buffer had no room for
    std::uint64_t send_drops = 0;
    std::uint64_t trickled = 0;          // PATCHes with a candidate
    std::uint64_t trickles_refused = 0;  // of those, answered with anything but 204
    std::string last_failure;            // of a participant

    void add(const LoadSample& other);
};

}  // namespace isthmus::load
