// Which layers of a video one viewer is to be sent, and what of each packet that makes.
//
// The wish says what the viewer has a use for, the limit what its bandwidth allows; the target is
// the best that is offered within both. It is chosen again when the track offers something else.
// Leaves out: numbering (subscription.h) and the limit itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/layers/layer_selector.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/inbound_stream.h"
#include "media/sfu/layer_demand.h"
#include "media/sfu/track_layers.h"

namespace isthmus::media::sfu {

class PublishedTrack;

class VideoFollower {
  public:
    // What each packet touches lies in the first so many.
    static constexpr std::size_t kHotBytes = 768;

    // `descriptors`: the viewer is sent dependency descriptors.
    explicit VideoFollower(bool descriptors) : descriptors_(descriptors) {}

    void set_descriptors(bool descriptors) { descriptors_ = descriptors; }

    void bind(Instant now, PublishedTrack& track);
    void unbind();

    void set_wish(Instant now, const LayerWish& wish);

    // Another track will come, of which nothing has been wished for yet.
    void forget_wish() { wish_ = {}; }

    [[nodiscard]] const LayerWish& wish() const { return wish_; }

    // The largest size that the wish has room for, sent at present or not.
    [[nodiscard]] WantedSize wanted_size() const;
    // Nothing is sent though it is wanted and there: the bandwidth does not suffice.
    [[nodiscard]] bool starved() const;

    // The stream that is wanted, where what its cache holds since its last key frame will do to
    // begin with; else null.
    [[nodiscard]] const InboundStream* find_recent_start(Instant now) const;

    // From whoever shares out the bandwidth; nothing pauses. Until the first call the wish alone
    // counts.
    void set_limit(Instant now, std::optional<layers::LayerId> limit);

    // Before the packets of a batch.
    void update();

    // A packet of the track, with a payload.
    [[nodiscard]] layers::Selection select(Instant now, const TrackPacket& packet);
    // One that is asked for again, as it lies in the stream's cache.
    [[nodiscard]] layers::Selection select_again(const InboundStream& stream,
                                                 rtp::Codec codec,
                                                 const rtp::RtpPacketView& packet,
                                                 const rtp::HeaderExtensions& extensions,
                                                 rtp::ExtendedSeq seq) const;

    // The viewer cannot go on.
    void request_key_frame(Instant now);

    // InboundStream::source of what is being sent.
    [[nodiscard]] std::optional<std::uint32_t> following() const { return selector_.following(); }

    // What is to be sent; nothing while paused, or nothing is offered.
    [[nodiscard]] std::optional<layers::LayerId> target() const { return target_; }

    // Frames withheld since what they refer to was not sent.
    [[nodiscard]] std::uint64_t undecodable() const { return selector_.undecodable(); }

    void describe(SubscriptionInfo& info) const;

  private:
    // True where the target is of another stream than what is sent.
    bool choose();
    void choose_and_ask(Instant now);

    [[nodiscard]] LayerWish bounded_wish() const;

    bool descriptors_;
    PublishedTrack* track_ = nullptr;
    LayerWish wish_;
    // Outer: whether anybody shares out bandwidth.
    std::optional<std::optional<layers::LayerId>> limit_;
    std::optional<layers::LayerId> target_;
    std::uint32_t seen_version_ = 0;
    layers::LayerSelector selector_;
};

}  // namespace isthmus::media::sfu
