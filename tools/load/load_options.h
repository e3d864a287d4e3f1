// What isthmus-load is asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/rtp/payload_format.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::load {

struct LoadLimits {
    double loss_ratio = 0.001;                              // not repaired, of packets expected
    Duration latency_p99 = std::chrono::milliseconds(100);  // end to end
    Duration join_p95 = std::chrono::seconds(2);
};

// In the order of the command line; there is one of it.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct LoadOptions {
    std::string node = "http://127.0.0.1:8080";  // or https
    std::string token_key = "devkey";
    std::string token_secret;
    std::string
        tls_certificate;   // PEM file of the node's, for HTTPS; empty: what the system trusts
    bool tls_any = false;  // or anybody
    std::string conference = "load";
    std::uint32_t conferences = 1;  // publishers and viewers in each

    // By the LiveKit protocol instead of WHIP and WHEP: publishers watch each other too, and all
    // are subscribed to everything.
    bool livekit = false;

    std::uint32_t publishers = 1;
    std::uint32_t viewers = 5;
    // Sections of a viewer's offer; unset: one for each publisher, at most 3 for audio and 4 for
    // video.
    std::uint32_t watch_audio = 0;
    std::uint32_t watch_video = 0;

    bool audio = true;
    bool video = true;
    bool talk_spurts = false;
    std::uint32_t audio_bitrate_bps = 32'000;
    media::rtp::Codec codec = media::rtp::Codec::kVp8;
    std::uint32_t video_bitrate_bps = 1'500'000;
    std::uint32_t fps = 30;
    // 0: recorded frames; otherwise filler frames of so many packets of packet_bytes.
    std::uint32_t packets_per_frame = 0;
    std::uint32_t packet_bytes = 1200;  // RTP packet on the wire, encrypted
    bool simulcast = false;

    std::vector<media::transport::SrtpProfile> srtp_profiles;  // empty: all

    double ramp_per_s = 50;
    bool ramp_until_limit = false;
    LoadLimits limits;
    Duration duration = std::chrono::seconds(30);
    std::uint32_t joins_at_once = 8;  // HTTP connections of each thread
    bool trickle = false;             // tell the node our candidate by PATCH, as browsers do

    std::uint32_t threads = 1;
    std::vector<int> cpus;     // one for each thread, over and over; empty: where the kernel likes
    bool socket_each = false;  // also towards a node on this machine
    bool gro = false;
    // After a wake-up, before reading: what arrives meanwhile is read in the same call. Cheaper,
    // and latencies grow by up to as much.
    std::uint32_t gather_us = 200;
    std::int32_t receive_buffer_bytes = 64 * 1024 * 1024;

    int node_pid = 0;  // 0: not told
    std::string report_text;
    std::string report_json;
    std::string report_html;
    bool quiet = false;
};

}  // namespace isthmus::load
