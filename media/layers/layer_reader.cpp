#include "media/layers/layer_reader.h"

#include "media/rtp/av1_payload.h"
#include "media/rtp/h264_payload.h"
#include "media/rtp/h264_sps.h"

namespace isthmus::media::layers {
namespace {

using rtp::Codec;
using rtp::DescriptorError;
using rtp::H264Payload;
using rtp::RtpPacketView;
using rtp::Vp8Descriptor;
using rtp::Vp9Descriptor;

// A stream with temporal layers at most, whose frames are whole pictures.
void fill_temporal(std::uint8_t temporal, bool key_start, bool sync, PacketLayers& into) {
    into.layer = {.spatial = 0, .temporal = temporal};
    into.key_picture_start = key_start;
    into.needed_by = LayerSet::from(into.layer);
    into.sync = sync;
    if (key_start) {
        into.switches_to = LayerSet::all();
    } else if (sync && temporal > 0) {
        into.switches_to = LayerSet::column(temporal);
    }
}

void fill_vp8(const Vp8Descriptor& descriptor, PacketLayers& into) {
    into.payload_descriptor = descriptor;
    into.start_of_frame = descriptor.start_of_partition && descriptor.partition == 0;
    fill_temporal(
        descriptor.temporal_layer.value_or(0), descriptor.key_frame, descriptor.layer_sync, into);
}

// VP8 numbers its pictures by themselves: two that were taken in one tick of the clock are two.
std::uint64_t vp8_frame(std::uint64_t timestamp, std::uint64_t picture) {
    return timestamp ^ (picture << 34U);
}

// Without SVC's prefix NAL units: pictures that no other needs are a layer of their own.
std::uint8_t h264_temporal(const H264Payload& payload, std::uint8_t same_picture) {
    if (payload.temporal_layer) {
        return *payload.temporal_layer;
    }
    return payload.slice && !payload.reference && same_picture == 0 ? 1 : same_picture;
}

void fill_h264(std::uint8_t temporal, bool key_start, PacketLayers& into) {
    fill_temporal(temporal, key_start, false, into);
    // Layers are dyadic: a picture refers to lower layers only, so that after one of a layer the
    // next layer may begin.
    if (!key_start && temporal + 1 < kTemporalLayersMax) {
        into.switches_to = LayerSet::column(static_cast<std::uint8_t>(temporal + 1));
    }
}

// Without a dependency descriptor only where a sequence begins can be told.
bool fill_av1(std::span<const std::byte> payload, PacketLayers& into) {
    const auto header = rtp::Av1AggregationHeader::parse(payload);
    if (header) {
        fill_temporal(0, header->new_coded_sequence, false, into);
        into.start_of_frame = !header->continues;
    }
    return header.has_value();
}

}  // namespace

PacketLayers LayerReader::read(Codec codec,
                               const RtpPacketView& packet,
                               std::span<const std::byte> descriptor) {
    PacketLayers layers;
    layers.end_of_frame = packet.marker;
    layers.needed_by = LayerSet::all();
    const std::uint64_t timestamp = timestamps_.unwrap(value_of(packet.timestamp));
    layers.frame = timestamp;
    read_payload(codec, packet, timestamp, layers);
    if (!descriptor.empty()) {
        disregard_payload(codec, layers);
        read_descriptor(descriptor, layers);
    }
    if (!encrypted_) {
        note_size(codec, packet, layers);
    }
    return layers;
}

void LayerReader::disregard_payload(Codec codec, PacketLayers& into) const {
    if (encrypted_ && (codec == Codec::kVp8 || codec == Codec::kH264)) {
        into.key_picture_start = false;
        into.switches_to = {};
    }
}

void LayerReader::read_descriptor(std::span<const std::byte> descriptor, PacketLayers& into) {
    PacketLayers by_payload = into;
    into.needed_by = {};
    into.switches_to = {};
    into.references = {};
    into.sync = false;
    const auto read = descriptors_.read(descriptor, into);
    if (read) {
        return;
    }
    if (read.error() == DescriptorError::kNoStructure) {
        ++counters_.unknown_structures;
    } else {
        ++counters_.bad_descriptors;
    }
    // The payload may still tell; the frame's number is then all that is kept of the descriptor.
    if (!into.described || !std::holds_alternative<std::monostate>(into.payload_descriptor)) {
        by_payload.described = into.described;
        into = by_payload;
    }
}

void LayerReader::read_payload(Codec codec,
                               const RtpPacketView& packet,
                               std::uint64_t timestamp,
                               PacketLayers& into) {
    bool good = true;
    if (codec == Codec::kVp8) {
        const auto descriptor = Vp8Descriptor::parse(packet.payload);
        good = descriptor.has_value();
        if (descriptor) {
            fill_vp8(*descriptor, into);
            into.picture = unwrap(*descriptor);
            into.frame = vp8_frame(timestamp, into.picture);
        }
    } else if (codec == Codec::kVp9) {
        const auto descriptor = Vp9Descriptor::parse(packet.payload);
        good = descriptor.has_value();
        if (descriptor) {
            into.needed_by = {};
            vp9_.read(*descriptor, packet.payload, packet.marker, timestamp, into);
        }
    } else if (codec == Codec::kH264) {
        good = read_h264(packet.payload, timestamp, into);
    } else if (codec == Codec::kAv1) {
        good = fill_av1(packet.payload, into);
    }
    counters_.bad_payloads += good ? 0 : 1;
}

std::uint64_t LayerReader::unwrap(const Vp8Descriptor& descriptor) {
    if (!descriptor.picture_id) {
        return 0;
    }
    return descriptor.long_picture_id ? pictures_.unwrap(*descriptor.picture_id)
                                      : short_pictures_.unwrap(*descriptor.picture_id);
}

bool LayerReader::read_h264(std::span<const std::byte> bytes,
                            std::uint64_t timestamp,
                            PacketLayers& into) {
    const auto payload = H264Payload::parse(bytes);
    if (payload) {
        const std::uint8_t known = h264_.timestamp == timestamp ? h264_.temporal : 0;
        const std::uint8_t temporal = h264_temporal(*payload, known);
        h264_ = {.timestamp = timestamp, .temporal = temporal};
        fill_h264(temporal, payload->key_frame_start(), into);
    }
    return payload.has_value();
}

PacketLayers LayerReader::read_again(Codec codec,
                                     const RtpPacketView& packet,
                                     std::span<const std::byte> descriptor) const {
    PacketLayers layers;
    layers.end_of_frame = packet.marker;
    layers.needed_by = LayerSet::all();
    const std::uint64_t timestamp = timestamps_.peek(value_of(packet.timestamp));
    layers.frame = timestamp;
    if (codec == Codec::kVp8) {
        if (const auto read = Vp8Descriptor::parse(packet.payload)) {
            fill_vp8(*read, layers);
            if (read->picture_id) {
                layers.picture = read->long_picture_id ? pictures_.peek(*read->picture_id)
                                                       : short_pictures_.peek(*read->picture_id);
            }
            layers.frame = vp8_frame(timestamp, layers.picture);
        }
    } else if (codec == Codec::kVp9) {
        if (const auto read = Vp9Descriptor::parse(packet.payload)) {
            layers.needed_by = {};
            vp9_.read_again(*read, timestamp, layers);
        }
    } else if (codec == Codec::kH264) {
        // A temporal layer that only the picture's first packet tells is not known of the others.
        if (const auto read = H264Payload::parse(packet.payload)) {
            fill_h264(h264_temporal(*read, 0), read->key_frame_start(), layers);
        }
    } else if (codec == Codec::kAv1) {
        fill_av1(packet.payload, layers);
    }
    if (!descriptor.empty()) {
        disregard_payload(codec, layers);
        layers.switches_to = {};
        layers.references = {};
        descriptors_.read_again(descriptor, layers);
    }
    return layers;
}

void LayerReader::note_size(Codec codec, const RtpPacketView& packet, const PacketLayers& layers) {
    std::optional<rtp::FrameSize> size;
    if (const auto* vp8 = std::get_if<Vp8Descriptor>(&layers.payload_descriptor)) {
        size = vp8->key_frame_size(packet.payload);
    } else if (const auto* vp9 = std::get_if<Vp9Descriptor>(&layers.payload_descriptor)) {
        size = vp9->key_frame_size(packet.payload);
    } else if (codec == Codec::kH264) {
        const auto payload = H264Payload::parse(packet.payload);
        if (payload && !payload->sps_body.empty()) {
            size = rtp::h264_frame_size(payload->sps_body);
        }
    }
    if (size) {
        size_ = *size;
    }
}

rtp::FrameSize LayerReader::size_of(std::uint8_t spatial) const {
    for (const rtp::FrameSize said : {descriptors_.size_of(spatial), vp9_.size_of(spatial)}) {
        if (said.pixels() != 0) {
            return said;
        }
    }
    return spatial == 0 ? size_ : rtp::FrameSize{};
}

}  // namespace isthmus::media::layers
