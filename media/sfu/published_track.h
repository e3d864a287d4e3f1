// One media section that a client sends: its streams, and who is sent them.
//
// handle_rtp() stores a packet and queues it; forward_pending() offers what is queued to every
// subscription, receiver by receiver. One stream is forwarded at a time: the first; another SSRC
// takes over at its first key frame, for audio with its first packet.
//
// Owned by its owner's Publisher or link; lives as long as the owner. Specification: RFC 3550, RFC
// 4588.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/rtp/header_extensions.h"
#include "media/sfu/audio_gate.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/inbound_stream.h"
#include "media/sfu/limits.h"
#include "media/sfu/track_owner.h"
#include "media/sfu/track_tap.h"

namespace isthmus::media::sfu {

class Subscription;

class PublishedTrack {
  public:
    PublishedTrack(std::string id,
                   MediaSection section,
                   TrackOwner& owner,
                   const SfuLimits& limits);

    // Begins a stream; the reference is good for the track's life. `source`: see InboundStream.
    InboundStream& add_stream(std::uint32_t ssrc, std::string_view rid, std::uint32_t source);
    // The stream that an RTX packet repeats: that of `repaired_rid`, or the only one. Null where it
    // cannot be told.
    [[nodiscard]] InboundStream* find_repaired(std::string_view repaired_rid);

    // A packet of `stream`, by itself or (`repaired`) restored from RTX. False where its payload
    // type is none of the section's.
    bool handle_rtp(Instant now,
                    InboundStream& stream,
                    const rtp::RtpPacketView& packet,
                    const rtp::HeaderExtensions& extensions,
                    bool repaired);

    // Offers what has come since the last call to all subscriptions.
    void forward_pending(Instant now, EgressBatch& batch, transport::DatagramSink& sink);

    void add(Subscription& subscription);
    void remove(Subscription& subscription);
    void add(TrackTap& tap);
    void remove(TrackTap& tap);
    // A receiver cannot go on, or begins. Wakes the publisher.
    void request_key_frame(Instant now);
    // What repeats a packet for a receiver; null where the stream is unknown.
    [[nodiscard]] const InboundStream* find_source(std::uint32_t source) const;

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] const std::string& id() const { return id_; }

    [[nodiscard]] rtp::MediaKind kind() const { return section_.kind; }

    [[nodiscard]] const MediaSection& section() const { return section_; }

    [[nodiscard]] TrackOwner& owner() const { return owner_; }

    // Null before the first packet.
    [[nodiscard]] const InboundStream* active() const { return active_; }

    [[nodiscard]] const rtp::PayloadFormat* format_of(std::uint8_t payload_type) const;

    // The format of the last packet; null before the first.
    [[nodiscard]] const rtp::PayloadFormat* current_format() const { return format_; }

    [[nodiscard]] std::vector<std::unique_ptr<InboundStream>>& streams() { return streams_; }

    [[nodiscard]] const std::vector<Subscription*>& subscriptions() const { return subscriptions_; }

    [[nodiscard]] bool has_receivers() const { return !subscriptions_.empty() || !taps_.empty(); }

    // Its place in the selection of audio tracks; unused for video.
    [[nodiscard]] AudioGate& audio_gate() { return audio_gate_; }

    [[nodiscard]] const AudioGate& audio_gate() const { return audio_gate_; }

    [[nodiscard]] TrackInfo describe(Instant now) const;

  private:
    void choose_active(InboundStream& stream, bool key_frame_start);

    std::string id_;
    MediaSection section_;
    TrackOwner& owner_;
    rtp::CacheLimits cache_limits_;
    std::vector<std::unique_ptr<InboundStream>> streams_;
    InboundStream* active_ = nullptr;
    const rtp::PayloadFormat* format_ = nullptr;
    std::vector<Subscription*> subscriptions_;
    std::vector<TrackTap*> taps_;
    std::vector<TrackPacket> pending_;
    AudioGate audio_gate_;
};

}  // namespace isthmus::media::sfu
