#include "media/layers/vp9_reader.h"

#include <algorithm>

namespace isthmus::media::layers {

using rtp::Vp9Descriptor;

namespace {

// Frames are named by picture and spatial layer: eight names a picture.
constexpr std::uint64_t kFramesPerPicture = rtp::kVp9SpatialLayersMax;

}  // namespace

void Vp9Reader::read(const Vp9Descriptor& descriptor,
                     std::span<const std::byte> payload,
                     bool marker,
                     std::uint64_t timestamp,
                     PacketLayers& into) {
    std::uint64_t picture = 0;
    if (descriptor.picture_id) {
        picture = descriptor.long_picture_id ? pictures_.unwrap(*descriptor.picture_id)
                                             : short_pictures_.unwrap(*descriptor.picture_id);
    }
    if (descriptor.scalability_structure) {
        structure_ = descriptor.structure(payload);
        group_begin_ = picture;
        spatial_layers_ = structure_.spatial_layers;
    }
    follow_layers(descriptor, marker);
    fill(descriptor, picture, timestamp, into);
}

void Vp9Reader::read_again(const Vp9Descriptor& descriptor,
                           std::uint64_t timestamp,
                           PacketLayers& into) const {
    std::uint64_t picture = 0;
    if (descriptor.picture_id) {
        picture = descriptor.long_picture_id ? pictures_.peek(*descriptor.picture_id)
                                             : short_pictures_.peek(*descriptor.picture_id);
    }
    fill(descriptor, picture, timestamp, into);
}

// Encoders stop and resume their upper layers, some without a new structure: a picture that ends
// on a lower layer has no more.
void Vp9Reader::follow_layers(const Vp9Descriptor& descriptor, bool marker) {
    const auto layers = static_cast<std::uint8_t>(descriptor.spatial_layer + 1);
    if (layers > spatial_layers_ || (marker && descriptor.end_of_frame)) {
        spatial_layers_ = layers;
    }
    if (descriptor.inter_picture_predicted && descriptor.inter_layer_predicted) {
        predicts_always_ = true;
    } else if (descriptor.key_frame()) {
        predicts_always_ = false;
    }
}

void Vp9Reader::fill(const Vp9Descriptor& descriptor,
                     std::uint64_t picture,
                     std::uint64_t timestamp,
                     PacketLayers& into) const {
    const std::uint8_t spatial = descriptor.spatial_layer;
    const std::uint8_t temporal = descriptor.temporal_layer.value_or(0);
    into.payload_descriptor = descriptor;
    into.picture = picture;
    into.frame = (descriptor.picture_id ? picture : timestamp) * kFramesPerPicture + spatial;
    into.layer = {.spatial = spatial, .temporal = temporal};
    into.start_of_frame = descriptor.start_of_frame;
    into.end_of_frame = descriptor.end_of_frame;
    into.key_picture_start = descriptor.key_frame();
    const auto top = static_cast<std::uint8_t>(std::max<int>(spatial_layers_ - 1, spatial));
    for (std::uint8_t i = 0; i < kSpatialLayersMax; ++i) {
        into.top_spatial[i] = std::min(i, top);
        const bool own = into.top_spatial[i] == spatial;
        // SPEC rfc9628#4.2: Z says that the picture's upper layers do without this frame.
        const bool used = !descriptor.not_reference_for_upper || predicts_always_;
        if (own || (into.top_spatial[i] > spatial && used)) {
            into.needed_by = into.needed_by | LayerSet::row(i, temporal);
        }
    }
    fill_references(descriptor, into);
    for (std::uint8_t i = 0; i < kSpatialLayersMax; ++i) {
        if (into.top_spatial[i] == spatial &&
            (into.references_known || descriptor.switching_up_point)) {
            into.switches_to = into.switches_to | LayerSet::row(i, temporal);
        }
    }
    if (into.key_picture_start) {
        into.switches_to = LayerSet::all();
    }
}

void Vp9Reader::fill_references(const Vp9Descriptor& descriptor, PacketLayers& into) const {
    const auto add = [&into](std::span<const std::uint8_t> differences) {
        for (const std::uint8_t difference : differences) {
            // 0 would be the picture itself.
            into.references.add(std::uint32_t{difference} * kFramesPerPicture);
        }
    };
    into.references_known = descriptor.picture_id.has_value();
    if (descriptor.inter_picture_predicted && descriptor.flexible) {
        add(descriptor.references.all());
    } else if (descriptor.inter_picture_predicted) {
        if (structure_.group_pictures == 0 || into.picture < group_begin_) {
            into.references_known = false;
        } else {
            add(structure_.group[(into.picture - group_begin_) % structure_.group_pictures]
                    .references.all());
        }
    }
    if (descriptor.inter_layer_predicted && descriptor.spatial_layer > 0) {
        into.references.add(1);
    }
}

}  // namespace isthmus::media::layers
