#include "tests/media/layers/scalable_source.h"

#include <algorithm>
#include <string>

#include "tests/media/rtp/descriptor_writer.h"

namespace isthmus::media::layers {

using rtp::append;
using rtp::Bytes;
using rtp::bytes;
using rtp::Codec;

namespace {

char indication(const Mode& mode, bool key, LayerId frame, LayerId target) {
    if (frame.temporal > target.temporal || frame.spatial > target.spatial) {
        return '-';
    }
    if (frame.spatial < target.spatial) {
        const bool used = mode.inter_layer == InterLayer::kAlways ||
                          (mode.inter_layer == InterLayer::kKeyPictures && key);
        return !used ? '-' : key ? 'S' : 'R';
    }
    return frame.temporal > 0 && frame.temporal == target.temporal ? 'D' : 'S';
}

}  // namespace

Mode Mode::parse(std::string_view name) {
    Mode mode;
    mode.spatial = static_cast<std::uint8_t>(name[1] - '0');
    mode.temporal = static_cast<std::uint8_t>(name[3] - '0');
    mode.inter_layer = name[0] == 'S'                  ? InterLayer::kNever
                       : name.find("KEY") != name.npos ? InterLayer::kKeyPictures
                                                       : InterLayer::kAlways;
    return mode;
}

ScalableSource::ScalableSource(SourceConfig config)
    : config_(config),
      layers_(config.mode.spatial),
      seq_(rtp::make_extended_seq(1, config.first_seq)),
      active_layers_(config.mode.spatial) {
    make_structure();
}

std::string indications(const Mode& mode, bool key, LayerId layer) {
    std::string text;
    for (int s = mode.spatial - 1; s >= 0; --s) {
        for (int t = mode.temporal - 1; t >= 0; --t) {
            text += indication(
                mode, key, layer, {static_cast<std::uint8_t>(s), static_cast<std::uint8_t>(t)});
        }
    }
    return text;
}

// A template for each layer in key pictures and one in others; references are said by each frame.
void ScalableSource::make_structure() {
    const Mode& mode = config_.mode;
    rtp::StructureTable table;
    std::deque<std::string> kept;
    const auto add = [&](std::uint8_t s, std::uint8_t t, bool key) {
        table.rows.push_back({.spatial = s,
                              .temporal = t,
                              .references = {},
                              .chains = {},
                              .indications = kept.emplace_back(indications(mode, key, {s, t}))});
    };
    for (std::uint8_t s = 0; s < mode.spatial; ++s) {
        for (std::uint8_t t = 0; t < mode.temporal; ++t) {
            if (t == 0) {
                add(s, t, true);
            }
            add(s, t, false);
        }
        table.sizes.push_back({.width = static_cast<std::uint16_t>(320U << s),
                               .height = static_cast<std::uint16_t>(180U << s)});
    }
    structure_ = rtp::make_structure(table, config_.template_offset);
}

std::uint8_t ScalableSource::temporal_of(std::uint64_t since_key) const {
    constexpr std::uint8_t kThree[] = {0, 2, 1, 2};
    switch (config_.mode.temporal) {
        case 1:
            return 0;
        case 2:
            return static_cast<std::uint8_t>(since_key % 2);
        default:
            return kThree[since_key % 4];
    }
}

TrueFrame ScalableSource::make_frame(bool key, std::uint8_t spatial, std::uint8_t temporal) const {
    TrueFrame frame{
        .id = static_cast<std::uint32_t>(frames_.size()),
        .layer = {spatial, temporal},
        .key = key,
        .timestamp = static_cast<std::uint32_t>(config_.first_timestamp + pictures_ * 3000),
        .references = {}};
    if (!key) {
        // The last frame of its spatial layer in a lower temporal layer, or of the lowest.
        std::optional<std::uint32_t> newest;
        for (int t = 0; t < std::max<int>(temporal, 1); ++t) {
            newest = std::max(newest, layers_[spatial].last[t]);
        }
        if (newest) {
            frame.references.push_back(*newest);
        }
    }
    const bool predicts =
        config_.mode.inter_layer == InterLayer::kAlways ||
        (config_.mode.inter_layer == InterLayer::kKeyPictures && (key || frame.references.empty()));
    if (spatial > 0 && predicts) {
        frame.references.push_back(frame.id - 1);
    }
    return frame;
}

std::vector<SourcePacketBytes> ScalableSource::picture(bool key, std::uint8_t spatial_layers) {
    active_layers_ = spatial_layers == 0 ? config_.mode.spatial : spatial_layers;
    if (key) {
        since_key_ = 0;
        layers_.assign(config_.mode.spatial, {});
    }
    for (std::size_t s = active_layers_; s < layers_.size(); ++s) {
        layers_[s] = {};  // a layer that comes again begins anew
    }
    const std::uint8_t temporal = temporal_of(since_key_);
    tl0_ += temporal == 0 ? 1 : 0;
    std::vector<SourcePacketBytes> packets;
    for (std::uint8_t s = 0; s < active_layers_; ++s) {
        const TrueFrame frame = make_frame(key, s, temporal);
        frames_.push_back(frame);
        picture_of_.push_back(pictures_);
        layers_[s].last[temporal] = frame.id;
        for (int i = 0; i < config_.packets_per_frame; ++i) {
            const bool first = i == 0;
            const bool last = i + 1 == config_.packets_per_frame;
            Bytes payload = payload_descriptor(frame, first, last, active_layers_);
            payload.resize(payload.size() + config_.filler_bytes);
            append(payload,
                   bytes({static_cast<int>(frame.id >> 8U),
                          static_cast<int>(frame.id & 0xffU),
                          static_cast<int>(config_.source << 4U) | i}));
            SourcePacketBytes packet{.source = config_.source, .seq = seq_};
            packet.rtp = rtp::make_rtp({.marker = last && s + 1 == active_layers_,
                                        .seq = rtp::seq16_of(seq_),
                                        .timestamp = frame.timestamp,
                                        .ssrc = config_.ssrc,
                                        .payload = payload});
            packet.view = *rtp::RtpPacketView::parse(packet.rtp);
            if (config_.descriptors) {
                packet.descriptor = dependency_descriptor(frame, first, last, active_layers_);
            }
            seq_ = rtp::advance(seq_, 1);
            packets.push_back(std::move(packet));
        }
    }
    ++pictures_;
    ++since_key_;
    return packets;
}

Bytes ScalableSource::payload_descriptor(const TrueFrame& frame,
                                         bool first,
                                         bool last,
                                         std::uint8_t layers) const {
    const auto picture = static_cast<int>((config_.first_picture + pictures_) & 0x7fffU);
    switch (config_.codec) {
        case Codec::kVp8: {
            // Y: only the lowest layer is referred to.
            const bool sync =
                frame.references.empty() || frames_[frame.references[0]].layer.temporal == 0;
            Bytes made = bytes({0x80 | (first ? 0x10 : 0), 0xe0});
            append(made,
                   config_.short_picture_ids ? bytes({picture & 0x7f})
                                             : bytes({0x80 | picture >> 8, picture & 0xff}));
            append(made,
                   bytes({static_cast<int>((config_.first_tl0 + tl0_ - 1) & 0xffU),
                          frame.layer.temporal << 6 | (sync ? 0x20 : 0)}));
            if (first && frame.key) {
                append(made, bytes({0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}));
            } else {
                append(made, bytes({0x11}));
            }
            return made;
        }
        case Codec::kVp9:
            return vp9_descriptor(frame, first, last, layers);
        case Codec::kH264: {
            // A STAP-A of a prefix NAL unit with the temporal layer and a slice.
            const int idc = frame.layer.temporal == 2 ? 0x00 : 0x60;
            Bytes made = bytes({0x18 | idc,
                                0,
                                4,
                                idc | 14,
                                0x80,
                                0x00,
                                frame.layer.temporal << 5,
                                0,
                                5,
                                idc | (frame.key ? 5 : 1),
                                first ? 0x88 : 0x08});
            return made;  // the marking bytes are the rest of the slice
        }
        default:  // AV1: N on a key picture's first packet
            return bytes({0x10 | (first && frame.key && frame.layer.spatial == 0 ? 0x08 : 0)});
    }
}

Bytes ScalableSource::vp9_descriptor(const TrueFrame& frame,
                                     bool first,
                                     bool last,
                                     std::uint8_t layers) const {
    const auto picture = static_cast<int>((config_.first_picture + pictures_) & 0x7fffU);
    const bool top = frame.layer.spatial + 1 == layers;
    const bool inter_layer = std::ranges::any_of(
        frame.references, [&](std::uint32_t id) { return picture_of_[id] == pictures_; });
    std::vector<int> differences;
    for (const std::uint32_t id : frame.references) {
        if (picture_of_[id] != pictures_) {
            differences.push_back(static_cast<int>(pictures_ - picture_of_[id]));
        }
    }
    const InterLayer mode = config_.mode.inter_layer;
    const bool unused =
        top || mode == InterLayer::kNever || (mode == InterLayer::kKeyPictures && !frame.key);
    const bool structure = first && frame.key && frame.layer.spatial == 0;
    Bytes made = bytes({0x80 | (differences.empty() ? 0 : 0x40) | 0x20 |
                        (config_.flexible ? 0x10 : 0) | (first ? 0x08 : 0) | (last ? 0x04 : 0) |
                        (structure ? 0x02 : 0) | (unused ? 0x01 : 0)});
    append(made,
           config_.short_picture_ids ? bytes({picture & 0x7f})
                                     : bytes({0x80 | picture >> 8, picture & 0xff}));
    append(made,
           bytes({frame.layer.temporal << 5 | 0x10 | frame.layer.spatial << 1 |
                  (inter_layer ? 1 : 0)}));
    if (!config_.flexible) {
        append(made, bytes({static_cast<int>((config_.first_tl0 + tl0_ - 1) & 0xffU)}));
    }
    for (std::size_t i = 0; config_.flexible && i < differences.size(); ++i) {
        append(made, bytes({differences[i] << 1 | (i + 1 < differences.size() ? 1 : 0)}));
    }
    if (structure) {
        append(made, bytes({(layers - 1) << 5 | 0x10 | (config_.flexible ? 0 : 0x08)}));
        for (int s = 0; s < layers; ++s) {
            const int width = 320 << s;
            const int height = 180 << s;
            append(made, bytes({width >> 8, width & 0xff, height >> 8, height & 0xff}));
        }
        if (!config_.flexible && config_.mode.temporal == 1) {
            append(made, bytes({1, 0x14, 1}));
        } else if (!config_.flexible && config_.mode.temporal == 2) {
            append(made, bytes({2, 0x14, 2, 0x34, 1}));
        } else if (!config_.flexible) {
            append(made, bytes({4, 0x14, 4, 0x54, 1, 0x34, 2, 0x54, 1}));
        }
    }
    return made;
}

Bytes ScalableSource::dependency_descriptor(const TrueFrame& frame,
                                            bool first,
                                            bool last,
                                            std::uint8_t layers) const {
    std::vector<std::uint16_t> references;
    references.reserve(frame.references.size());
    for (const std::uint32_t id : frame.references) {
        references.push_back(static_cast<std::uint16_t>(frame.id - id));
    }
    // Rows: for each spatial layer one for key pictures, then one per temporal layer.
    const int row = frame.layer.spatial * (config_.mode.temporal + 1) +
                    (frame.key ? 0 : 1 + frame.layer.temporal);
    // libwebrtc attaches it to every frame that needs no other.
    const bool structure = first && frame.key && frame.references.empty();
    std::optional<std::uint32_t> mask;
    if (layers < config_.mode.spatial && first && frame.layer.spatial == 0) {
        // Targets are listed from the highest down.
        const unsigned gone = (config_.mode.spatial - layers) * config_.mode.temporal;
        mask = structure_.all_targets() & ~((1U << gone) - 1U);
    } else if (!structure && first && frame.layer.spatial == 0) {
        mask = structure_.all_targets();
    }
    return rtp::write_descriptor(
        {.start = first,
         .end = last,
         .template_id = static_cast<std::uint8_t>((config_.template_offset + row) % 64),
         .frame_number = static_cast<std::uint16_t>(config_.first_frame_number + frame.id),
         .structure = structure ? &structure_ : nullptr,
         .mask = mask,
         .references = references.empty() ? std::nullopt : std::optional(references)},
        structure_.decode_targets);
}

}  // namespace isthmus::media::layers
