// One media section that a client sends: its streams, and who is sent them.
//
// handle_rtp() stores a packet and queues it; forward_pending() offers what is queued to every
// subscription, receiver by receiver. A video may come in several encodings (simulcast) or layers
// (SVC), of which every receiver is sent what suits it; another SSRC of the same encoding takes
// over at its first key frame, for audio with its first packet.
//
// Owned by its owner's Publisher or link; ends with it, or when its section does. Specification:
// RFC 3550, RFC 4588.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/rtp/header_extensions.h"
#include "media/sfu/audio_gate.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/egress_batch.h"
#include "media/sfu/inbound_stream.h"
#include "media/sfu/layer_demand.h"
#include "media/sfu/limits.h"
#include "media/sfu/track_encodings.h"
#include "media/sfu/track_layers.h"
#include "media/sfu/track_owner.h"
#include "media/sfu/track_source.h"
#include "media/sfu/track_tap.h"

namespace isthmus::media::sfu {

class Subscription;

class PublishedTrack {
  public:
    PublishedTrack(std::string id,
                   MediaSection section,
                   TrackOwner& owner,
                   const SfuLimits& limits);

    // Does a later description of its section mean this track as it is?
    [[nodiscard]] bool goes_on_as(const MediaSection& section) const;

    // Takes over what such a description may say anew: which SSRCs to expect.
    void renew(const MediaSection& section) { section_.ssrcs = section.ssrcs; }

    // Begins a stream, which is good for the track's life; null where it is of no encoding that
    // was announced. `source`: see InboundStream.
    InboundStream* add_stream(std::uint32_t ssrc, std::string_view rid, std::uint32_t source);

    // The stream that an RTX packet repeats; null where it cannot be told.
    [[nodiscard]] InboundStream* find_repaired(std::uint32_t rtx_ssrc,
                                               std::string_view repaired_rid) const {
        return encodings_.find_repaired(rtx_ssrc, repaired_rid);
    }

    // A packet of `stream`, by itself or (`repaired`) restored from RTX. False where its payload
    // type is none of the section's.
    bool handle_rtp(Instant now,
                    InboundStream& stream,
                    const rtp::RtpPacketView& packet,
                    const rtp::HeaderExtensions& extensions,
                    bool repaired);

    // Hands what has come since the last call to the taps; before forward_pending(), which does it
    // too where it was not done.
    void tap_pending(Instant now);
    // Offers what has come since the last call to all subscriptions.
    void forward_pending(Instant now, EgressBatch& batch, transport::DatagramSink& sink);

    void add(Subscription& subscription);
    void remove(Subscription& subscription);
    void add(TrackTap& tap);
    void remove(TrackTap& tap);
    // A receiver cannot go on, or begins: of every encoding that is sent, of one stream by its
    // source, or by its SSRC. Wakes the publisher.
    void request_key_frame(Instant now);
    void request_key_frame(Instant now, std::uint32_t source);
    void request_key_frame_of_ssrc(Instant now, std::uint32_t ssrc);

    // What a video offers, as of some 250 ms ago at most; changes are worth a new choice.
    [[nodiscard]] const TrackLayers& layers() const { return layers_; }

    [[nodiscard]] std::uint32_t layers_version() const { return layers_version_; }

    // The sizes that a video has, smallest first: encodings, or spatial layers seen so far. 0x0
    // where one is not known.
    [[nodiscard]] std::size_t size_count() const {
        return is_simulcast() ? encodings_.size() : spatial_layers_;
    }

    [[nodiscard]] rtp::FrameSize size_by_rank(std::size_t rank) const;

    // Of the encoding; empty without.
    [[nodiscard]] const std::string& rid_by_rank(std::size_t rank) const {
        return encodings_.rid_by_rank(is_simulcast() ? rank : 0);
    }

    // Of a video: the largest that any receiver has a use for.
    [[nodiscard]] WantedSize wanted_size() const;
    // A receiver wants more, or less.
    void on_demand_changed();

    // See LayerDemand.
    void restate_demand() { demand_.restate(); }

    // Where the publisher is to be told. Asked by its owner, and only there.
    [[nodiscard]] std::optional<WantedSize> poll_demand(Instant now);

    [[nodiscard]] bool is_simulcast() const { return encodings_.is_simulcast(); }

    // What repeats a packet for a receiver; null where the stream is unknown.
    [[nodiscard]] const InboundStream* find_source(std::uint32_t source) const;

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] const std::string& id() const { return id_; }

    [[nodiscard]] rtp::MediaKind kind() const { return section_.kind; }

    [[nodiscard]] TrackSource source() const { return source_of(section_.kind, section_.source); }

    [[nodiscard]] const MediaSection& section() const { return section_; }

    [[nodiscard]] TrackOwner& owner() const { return owner_; }

    // Audio: the stream that is forwarded; null before the first packet.
    [[nodiscard]] const InboundStream* active() const { return encodings_.any(); }

    [[nodiscard]] const rtp::PayloadFormat* format_of(std::uint8_t payload_type) const;

    // The format of the last packet; null before the first.
    [[nodiscard]] const rtp::PayloadFormat* current_format() const { return format_; }

    [[nodiscard]] std::vector<std::unique_ptr<InboundStream>>& streams() { return streams_; }

    [[nodiscard]] const std::vector<std::unique_ptr<InboundStream>>& streams() const {
        return streams_;
    }

    [[nodiscard]] const std::vector<Subscription*>& subscriptions() const { return subscriptions_; }

    [[nodiscard]] bool has_receivers() const { return !subscriptions_.empty() || !taps_.empty(); }

    // Its place in the selection of audio tracks; unused for video.
    [[nodiscard]] AudioGate& audio_gate() { return audio_gate_; }

    [[nodiscard]] const AudioGate& audio_gate() const { return audio_gate_; }

    [[nodiscard]] TrackInfo describe(Instant now) const;

  private:
    // Finds out what a video packet is to whom, and counts it.
    void read_layers(Instant now, InboundStream& stream, TrackPacket& packet);
    void ask(Instant now, InboundStream& stream);
    void refresh_layers(Instant now);
    void trim_caches(Instant now);
    void count_spatial_layers();
    void offer_layers(Instant now, std::size_t rank);

    std::string id_;
    MediaSection section_;
    TrackOwner& owner_;
    rtp::CacheLimits cache_limits_;
    std::vector<std::unique_ptr<InboundStream>> streams_;
    TrackEncodings encodings_;
    TrackLayers layers_;
    TrackLayers layers_before_;  // scratch
    std::uint32_t layers_version_ = 0;
    Instant refresh_layers_at_ = Instant::min();
    Instant trim_at_ = Instant::min();
    const rtp::PayloadFormat* format_ = nullptr;
    std::vector<Subscription*> subscriptions_;
    std::vector<TrackTap*> taps_;
    std::vector<TrackPacket> pending_;
    std::size_t tapped_ = 0;  // of them
    AudioGate audio_gate_;
    LayerDemand demand_;
    bool demand_changed_ = true;
    std::size_t spatial_layers_ = 0;  // seen so far
};

}  // namespace isthmus::media::sfu
