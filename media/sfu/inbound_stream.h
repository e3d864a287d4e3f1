// Everything the node keeps about one stream (one SSRC) that a client sends on a track.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "media/layers/layer_meter.h"
#include "media/layers/layer_reader.h"
#include "media/layers/packet_layers.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/key_frame_requester.h"
#include "media/rtp/nack_generator.h"
#include "media/rtp/receive_stream.h"
#include "media/rtp/retransmission_cache.h"
#include "media/rtp/rtp_clock.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::sfu {

// Where a viewer who comes now may begin.
struct LastKeyFrame {
    rtp::ExtendedSeq seq{};
    Instant at{};
};

struct InboundStream {
    InboundStream(std::uint32_t ssrc,
                  std::uint32_t source_name,
                  std::uint32_t clock_hz,
                  rtp::CacheLimits cache_limits)
        : source(source_name),
          receive(ssrc, clock_hz),
          nack(rtp::NackLimits{}),
          cache(cache_limits),
          clock(clock_hz) {}

    // Names the stream for SequenceRewriter: SSRCs are the clients' and may be the same.
    std::uint32_t source = 0;
    std::string rid;           // empty without simulcast
    std::size_t encoding = 0;  // its place among the track's encodings
    rtp::ReceiveStream receive;
    std::optional<rtp::ReceiveStream> rtx;  // the stream that repeats this one
    rtp::NackGenerator nack;
    rtp::RetransmissionCache cache;
    rtp::KeyFrameRequester key_frames;
    std::optional<LastKeyFrame> last_key_frame;  // that the cache was given
    rtp::RtpClock clock;
    layers::LayerReader reader;  // video
    layers::LayerMeter meter;    // video
    std::uint64_t bad_red = 0;   // whose lengths contradict the packet

    // Packets whose payload or dependency descriptor cannot be understood.
    [[nodiscard]] std::uint64_t bad_payloads() const {
        const layers::LayerCounters& counters = reader.counters();
        return bad_red + counters.bad_payloads + counters.bad_descriptors +
               counters.unknown_structures;
    }
};

// A packet on its way to the subscriptions. The views hold until the end of the batch.
struct TrackPacket {
    const InboundStream* stream = nullptr;
    rtp::RtpPacketView packet;
    rtp::HeaderExtensions extensions;
    rtp::ExtendedSeq seq{};
    bool key_frame_start = false;  // always, for audio
    bool resumes = false;          // the first after a time in which none was forwarded
    // RED (RFC 2198): where the own frame begins in the payload, 0 for anything else; what it is
    // called, and whether the earlier frames are called the same.
    std::uint16_t red_primary_at = 0;
    std::uint8_t block_type = 0;
    bool red_uniform = false;
    layers::PacketLayers layers;  // video, unless the packet is padding only

    // Without what RED puts before it.
    [[nodiscard]] std::span<const std::byte> own_payload() const {
        return packet.payload.subspan(red_primary_at);
    }
};

}  // namespace isthmus::media::sfu
