#include "media/layers/layer_selector.h"

#include <algorithm>
#include <utility>

namespace isthmus::media::layers {
namespace {

// Pictures in vain before a key frame is asked for. Size: at once, since there is no other way to
// it. Rate: encoders that mark where one may go up do so several times a second; two seconds at 30.
constexpr std::uint32_t kPicturesForSize = 1;
constexpr std::uint32_t kPicturesForRate = 64;

bool is_sent(Fate fate) {
    return fate == Fate::kForwarded || fate == Fate::kForwardedTop;
}

std::uint64_t ledger_key(std::uint8_t generation, std::uint64_t frame) {
    return std::uint64_t{generation} << 56U ^ frame;
}

}  // namespace

void LayerSelector::set_target(std::optional<Target> target) {
    if (target != target_) {
        target_ = target;
        patience_.reset();
    }
}

void LayerSelector::forget_streams() {
    pause();
    before_.started = false;
    target_.reset();
}

void LayerSelector::pause() {
    if (now_.started) {
        before_ = now_;
        now_.started = false;
    }
    in_picture_ = false;
}

// The stream is resumed under another generation, so a source may have two.
const LayerSelector::Stream* LayerSelector::stream_of(const LayeredPacket& packet) const {
    if (before_.started && before_.source == packet.source && packet.seq <= before_.highest) {
        return &before_;
    }
    return now_.started && now_.source == packet.source ? &now_ : nullptr;
}

Selection LayerSelector::select(const LayeredPacket& packet) {
    const Stream* const stream = stream_of(packet);
    const bool is_target = target_ && target_->source == packet.source;
    if (stream == nullptr && is_target) {
        if (!packet.layers->key_picture_start) {
            return wait_for_key_frame(packet);
        }
        begin(packet);
        return select_new(packet);
    }
    if (stream == nullptr) {
        return {};
    }
    if (stream != &now_ || packet.seq <= now_.highest) {
        return select_late(*stream, packet);
    }
    return select_new(packet);
}

Selection LayerSelector::wait_for_key_frame(const LayeredPacket& packet) {
    // While another stream is being sent its pictures are counted in picture_timestamp_; of this
    // one the last packets of pictures are enough.
    return {.needs_key_frame =
                packet.layers->end_of_frame && patience_.on_picture(kPicturesForSize)};
}

void LayerSelector::begin(const LayeredPacket& packet) {
    const PacketLayers& layers = *packet.layers;
    const std::uint8_t generation = now_.generation;
    pause();
    now_ = {.started = true,
            .source = packet.source,
            .generation = static_cast<std::uint8_t>(generation + 1),
            .highest = rtp::advance(packet.seq, -1)};
    begins_source_ = true;
    patience_.reset();
    if (const auto* vp8 = std::get_if<rtp::Vp8Descriptor>(&layers.payload_descriptor)) {
        vp8_.begin(now_.generation, *vp8, layers.picture);
    } else if (const auto* vp9 = std::get_if<rtp::Vp9Descriptor>(&layers.payload_descriptor)) {
        vp9_.begin(now_.generation, *vp9);
    }
    if (layers.described) {
        descriptors_.begin(now_.generation, *layers.described);
    }
}

Selection LayerSelector::select_new(const LayeredPacket& packet) {
    const PacketLayers& layers = *packet.layers;
    const bool new_picture = !in_picture_ || packet.timestamp != picture_timestamp_;
    if (new_picture && !target_) {
        pause();
        return {};
    }
    now_.highest = packet.seq;
    if (new_picture && target_) {
        on_new_picture(packet, *target_);
    }
    if (new_picture || layers.frame != frame_) {
        on_new_frame(layers);
    }
    Selection selection;
    if (is_sent(frame_fate_)) {
        selection = forward(now_, packet, frame_fate_);
        if (selection.verdict == Verdict::kForward) {
            selection.begins_source = std::exchange(begins_source_, false);
            picture_sent_ = true;
        } else {
            selection.verdict = Verdict::kDrop;  // it has no number yet
        }
    }
    selection.needs_key_frame = std::exchange(ask_key_frame_, false);
    return selection;
}

void LayerSelector::on_new_picture(const LayeredPacket& packet, const Target& target) {
    // Of the picture before: while it lags behind, ask now and then.
    if (picture_lags_) {
        const bool due = patience_.on_picture(size_lags_ ? kPicturesForSize : kPicturesForRate);
        ask_key_frame_ = due && !packet.layers->key_picture_start;
    } else {
        patience_.reset();
    }
    picture_lags_ = false;
    size_lags_ = false;
    in_picture_ = true;
    picture_sent_ = false;
    picture_timestamp_ = packet.timestamp;
    // A stream that is to be left goes on in its size, but no more often than is wanted.
    wanted_ = target.layer;
    if (target.source != now_.source) {
        wanted_.spatial = kTopLayer.spatial;
    }
    // Nothing depends on a higher temporal layer.
    current_.temporal = std::min(current_.temporal, wanted_.temporal);
}

void LayerSelector::on_new_frame(const PacketLayers& frame) {
    frame_ = frame.frame;
    if (frame.key_picture_start) {
        current_ = wanted_;
        key_frame_ = frame.frame;
    } else if (wanted_ != current_) {
        try_switch(frame);
    }
    frame_fate_ = fate_of(frame);
    if (!number_frame(frame, is_sent(frame_fate_))) {
        frame_fate_ = Fate::kDropped;
    }
    const bool withheld = frame_fate_ == Fate::kDropped && frame.needed_by.has(current_);
    undecodable_ += withheld ? 1 : 0;
    if (withheld || frame.needed_by.has(wanted_) != frame.needed_by.has(current_)) {
        picture_lags_ = true;
        size_lags_ |= withheld || is_wanted_elsewhere(frame);
    }
    record(now_, frame, frame_fate_);
}

bool LayerSelector::is_wanted_elsewhere(const PacketLayers& frame) const {
    return frame.top_spatial[wanted_.spatial] != frame.top_spatial[current_.spatial];
}

// Takes the best step towards what is wanted that this frame allows: first in size, then in rate.
void LayerSelector::try_switch(const PacketLayers& frame) {
    LayerId to = wanted_;
    for (; to.spatial != current_.spatial; --to.temporal) {
        if (may_switch(frame, to)) {
            current_ = to;
            return;
        }
        if (to.temporal == 0) {
            break;
        }
    }
    for (to = {.spatial = current_.spatial, .temporal = wanted_.temporal};
         to.temporal > current_.temporal;
         --to.temporal) {
        if (may_switch(frame, to)) {
            current_ = to;
            return;
        }
    }
}

bool LayerSelector::may_switch(const PacketLayers& frame, LayerId to) const {
    // The marker bit has gone out with the layer that was the top one of this picture.
    const bool grows = frame.top_spatial[to.spatial] > frame.top_spatial[current_.spatial];
    if (grows && picture_sent_) {
        return false;
    }
    if (already_sends(frame, to)) {
        return true;
    }
    // Where references are not known, one that the receiver is sent anyway has what it needs.
    const bool needs_known = frame.references_known || frame.sync || frame.needed_by.has(current_);
    return needs_known && frame.switches_to.has(to) && is_decodable(frame);
}

// Is `to` a part of what has been sent all the time?
bool LayerSelector::already_sends(const PacketLayers& frame, LayerId to) const {
    if (!frame.described || frame.described->targets == nullptr) {
        return false;
    }
    const DecodeTargets& targets = *frame.described->targets;
    const std::uint32_t covered = targets.covered_by(targets.for_layer(current_));
    return (covered >> targets.for_layer(to) & 1U) != 0;
}

bool LayerSelector::is_decodable(const PacketLayers& frame) const {
    return std::ranges::none_of(frame.references.all(), [&](std::uint16_t difference) {
        const std::uint64_t reference = frame.frame - difference;
        return reference >= key_frame_ &&
               ledger_.of(ledger_key(now_.generation, reference)) == Fate::kDropped;
    });
}

Fate LayerSelector::fate_of(const PacketLayers& frame) const {
    if (!frame.needed_by.has(current_) || !is_decodable(frame)) {
        return Fate::kDropped;
    }
    return frame.layer.spatial == frame.top_spatial[current_.spatial] ? Fate::kForwardedTop
                                                                      : Fate::kForwarded;
}

Fate LayerSelector::recorded_fate(const Stream& stream, const PacketLayers& frame) const {
    if (&stream == &now_ && in_picture_ && frame.frame == frame_) {
        return frame_fate_;
    }
    return ledger_.of(ledger_key(stream.generation, frame.frame));
}

void LayerSelector::record(const Stream& stream, const PacketLayers& frame, Fate fate) {
    ledger_.set(ledger_key(stream.generation, frame.frame), fate);
}

bool LayerSelector::number_frame(const PacketLayers& frame, bool forwarded) {
    if (const auto* vp8 = std::get_if<rtp::Vp8Descriptor>(&frame.payload_descriptor)) {
        forwarded &= vp8_.on_picture(*vp8, frame.picture, frame.key_picture_start, forwarded);
    }
    if (!forwarded) {
        return false;
    }
    if (const auto* vp9 = std::get_if<rtp::Vp9Descriptor>(&frame.payload_descriptor)) {
        vp9_.on_picture(*vp9);
    }
    if (frame.described) {
        descriptors_.on_frame(*frame.described, current_);
    }
    return true;
}

Selection LayerSelector::select_late(const Stream& stream, const LayeredPacket& packet) {
    Fate fate = recorded_fate(stream, *packet.layers);
    if (fate == Fate::kUnknown && &stream == &now_) {
        // All of the frame is late.
        fate = fate_of(*packet.layers);
        record(stream, *packet.layers, fate);
    }
    if (!is_sent(fate)) {
        return {.verdict = Verdict::kFill};
    }
    return forward(stream, packet, fate);
}

Selection LayerSelector::select_again(const LayeredPacket& packet) const {
    const Stream* const stream = stream_of(packet);
    if (stream == nullptr) {
        return {};
    }
    Fate fate = recorded_fate(*stream, *packet.layers);
    if (fate == Fate::kUnknown && packet.layers->needed_by.has(current_)) {
        fate = Fate::kForwarded;  // forgotten, or from before the packet that the stream began with
    }
    return is_sent(fate) ? forward(*stream, packet, fate) : Selection{.verdict = Verdict::kFill};
}

Selection LayerSelector::forward(const Stream& stream,
                                 const LayeredPacket& packet,
                                 Fate fate) const {
    const PacketLayers& layers = *packet.layers;
    Selection selection{.verdict = Verdict::kForward};
    selection.marker = packet.marker || (fate == Fate::kForwardedTop && layers.end_of_frame);
    if (const auto* vp8 = std::get_if<rtp::Vp8Descriptor>(&layers.payload_descriptor)) {
        if (!vp8_.rewrite(
                stream.generation, packet.payload, *vp8, layers.picture, selection.prefix)) {
            return {.verdict = Verdict::kFill};
        }
    } else if (const auto* vp9 = std::get_if<rtp::Vp9Descriptor>(&layers.payload_descriptor)) {
        selection.prefix = vp9_.rewrite(stream.generation, packet.payload, *vp9);
    }
    if (layers.described) {
        selection.edit = descriptors_.edit(stream.generation, *layers.described, current_);
    }
    return selection;
}

}  // namespace isthmus::media::layers
