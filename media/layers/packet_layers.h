// What one packet of a video stream is to those who may be sent it: found out once, by LayerReader,
// for all receivers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "media/layers/decode_targets.h"
#include "media/layers/layer_id.h"
#include "media/rtp/dependency_descriptor.h"
#include "media/rtp/sequence.h"
#include "media/rtp/vp8_descriptor.h"
#include "media/rtp/vp9_descriptor.h"

namespace isthmus::media::layers {

// The frame as its dependency descriptor tells it.
struct DescribedFrame {
    rtp::DependencyDescriptor parsed;
    // Where the stream's structure is known; lives as long as the reader, but names another
    // structure two key frames on.
    const DecodeTargets* targets = nullptr;
};

struct PacketLayers {
    // Names the frame (one spatial layer of a picture) within its stream.
    std::uint64_t frame = 0;
    LayerId layer;
    bool start_of_frame = false;
    bool end_of_frame = false;
    // The first packet of a picture that needs no other.
    bool key_picture_start = false;

    LayerSet needed_by;    // targets that the frame belongs to
    LayerSet switches_to;  // targets that one may change to with this frame, if it is decodable
    // It is, if those frames are: `frame` minus each difference.
    rtp::FrameReferences references;
    bool references_known = false;
    // Needs nothing but the lowest temporal layer (VP8's Y; implied where references are known).
    bool sync = false;
    // By spatial layer of a target: the highest one that is really there for it.
    std::array<std::uint8_t, kSpatialLayersMax> top_spatial{};

    // What is rewritten for a receiver. The picture id over its wraps; only where there is one.
    std::uint64_t picture = 0;
    std::variant<std::monostate, rtp::Vp8Descriptor, rtp::Vp9Descriptor> payload_descriptor;
    std::optional<DescribedFrame> described;
};

}  // namespace isthmus::media::layers
