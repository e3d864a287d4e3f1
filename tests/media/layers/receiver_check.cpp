#include "tests/media/layers/receiver_check.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace isthmus::media::layers {

using rtp::Bytes;
using rtp::Codec;
using rtp::Vp8Descriptor;
using rtp::Vp9Descriptor;

void ReceiverPath::take(const SourcePacketBytes& packet) {
    const PacketLayers layers =
        readers_[packet.source].read(codec_, packet.view, packet.descriptor);
    const Selection selection = selector.select({.source = packet.source,
                                                 .seq = packet.seq,
                                                 .timestamp = packet.view.timestamp,
                                                 .marker = packet.view.marker,
                                                 .payload = packet.view.payload,
                                                 .layers = &layers});
    key_frame_requests += selection.needs_key_frame ? 1 : 0;
    const rtp::SourcePacket source{.source = packet.source, .seq = packet.seq};
    if (selection.verdict == Verdict::kDrop) {
        rewriter_.on_dropped(source);
        return;
    }
    if (selection.begins_source) {
        rewriter_.switch_source(
            Instant{},
            {.source = packet.source, .seq = packet.seq, .timestamp = packet.view.timestamp});
    }
    const auto rewritten = rewriter_.rewrite(Instant{}, source, packet.view.timestamp);
    if (rewritten) {
        received.push_back(make(packet, selection, *rewritten));
    }
}

std::optional<Received> ReceiverPath::ask_again(const SourcePacketBytes& packet) {
    const PacketLayers layers =
        readers_[packet.source].read_again(codec_, packet.view, packet.descriptor);
    const Selection selection = selector.select_again({.source = packet.source,
                                                       .seq = packet.seq,
                                                       .timestamp = packet.view.timestamp,
                                                       .marker = packet.view.marker,
                                                       .payload = packet.view.payload,
                                                       .layers = &layers});
    const auto rewritten = rewriter_.rewrite(
        Instant{}, {.source = packet.source, .seq = packet.seq}, packet.view.timestamp);
    if (selection.verdict == Verdict::kDrop || !rewritten) {
        return std::nullopt;
    }
    return make(packet, selection, *rewritten);
}

Received ReceiverPath::make(const SourcePacketBytes& packet,
                            const Selection& selection,
                            const rtp::Rewritten& rewritten) const {
    const auto payload = packet.view.payload;
    const auto tail = payload.last(3);
    Received made{.source = packet.source,
                  .frame = std::uint32_t{load_u8(&tail[0])} << 8U | load_u8(&tail[1]),
                  .index = load_u8(&tail[2]),
                  .seq = rewritten.seq,
                  .timestamp = rewritten.timestamp,
                  .marker = selection.marker,
                  .filler = selection.verdict == Verdict::kFill};
    const auto prefix = selection.prefix.view();
    made.payload.assign(prefix.begin(), prefix.end());
    rtp::append(made.payload, payload.subspan(selection.prefix.replaced));
    made.descriptor = packet.descriptor;
    if (selection.edit.any) {
        made.descriptor.resize(rtp::kEditedDescriptorBytesMax);
        made.descriptor.resize(
            rtp::edit_descriptor(packet.descriptor, selection.edit, made.descriptor));
    }
    made.rewritten = !selection.prefix.empty() || made.descriptor != packet.descriptor;
    return made;
}

namespace {

const ScalableSource& source_of(const std::vector<const ScalableSource*>& sources,
                                std::uint32_t source) {
    return **std::ranges::find_if(
        sources, [source](const auto* one) { return one->config().source == source; });
}

// Packets of one frame, in the receiver's order.
struct Frame {
    std::uint32_t source = 0;
    const TrueFrame* truth = nullptr;
    std::vector<const Received*> packets;
};

std::vector<const Received*> in_order(const std::vector<Received>& received) {
    std::vector<const Received*> sorted;
    for (const Received& packet : received) {
        sorted.push_back(&packet);
    }
    std::ranges::sort(sorted, {}, [](const Received* packet) { return packet->seq; });
    return sorted;
}

void check_sequence(const std::vector<const Received*>& packets) {
    for (std::size_t i = 1; i < packets.size(); ++i) {
        EXPECT_EQ(rtp::distance(packets[i - 1]->seq, packets[i]->seq), 1)
            << "before frame " << packets[i]->frame << " packet " << packets[i]->index;
    }
}

std::vector<Frame> gather(const std::vector<const Received*>& packets,
                          const std::vector<const ScalableSource*>& sources) {
    std::vector<Frame> frames;
    for (const Received* packet : packets) {
        if (packet->filler) {
            continue;
        }
        const TrueFrame& truth = source_of(sources, packet->source).frame(packet->frame);
        if (frames.empty() || frames.back().source != packet->source ||
            frames.back().truth->id != truth.id) {
            frames.push_back({.source = packet->source, .truth = &truth, .packets = {}});
        }
        frames.back().packets.push_back(packet);
    }
    return frames;
}

void check_decodable(const std::vector<Frame>& frames,
                     const std::vector<const ScalableSource*>& sources) {
    std::set<std::uint32_t> decoded;
    std::uint32_t source = 0;
    for (const Frame& frame : frames) {
        if (frame.source != source) {
            EXPECT_TRUE(frame.truth->key) << "begins with frame " << frame.truth->id;
            source = frame.source;
            decoded.clear();
        }
        EXPECT_EQ(static_cast<int>(frame.packets.size()),
                  source_of(sources, source).config().packets_per_frame)
            << "frame " << frame.truth->id << " is not whole";
        for (const std::uint32_t reference : frame.truth->references) {
            EXPECT_TRUE(decoded.contains(reference))
                << "frame " << frame.truth->id << " needs " << reference;
        }
        decoded.insert(frame.truth->id);
    }
}

int check_markers(const std::vector<Frame>& frames) {
    int pictures = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const bool last_of_picture = i + 1 == frames.size() ||
                                     frames[i + 1].truth->timestamp != frames[i].truth->timestamp ||
                                     frames[i + 1].source != frames[i].source;
        pictures += last_of_picture ? 1 : 0;
        for (const Received* packet : frames[i].packets) {
            EXPECT_EQ(packet->marker, last_of_picture && packet == frames[i].packets.back())
                << "frame " << frames[i].truth->id << " packet " << packet->index;
        }
    }
    return pictures;
}

void check_vp8(const std::vector<Frame>& frames) {
    std::optional<std::uint16_t> last_id;
    std::optional<std::uint8_t> last_tl0;
    for (const Frame& frame : frames) {
        for (const Received* packet : frame.packets) {
            const auto descriptor = Vp8Descriptor::parse(packet->payload);
            ASSERT_TRUE(descriptor && descriptor->picture_id);
            const std::uint16_t mask = descriptor->long_picture_id ? 0x7fff : 0x7f;
            const bool first = packet == frame.packets.front();
            const auto expected_id = static_cast<std::uint16_t>(
                last_id ? (*last_id + (first ? 1 : 0)) & mask : *descriptor->picture_id);
            EXPECT_EQ(*descriptor->picture_id, expected_id) << "frame " << frame.truth->id;
            const bool base = frame.truth->layer.temporal == 0;
            const auto expected_tl0 = static_cast<std::uint8_t>(
                last_tl0 ? *last_tl0 + (first && base ? 1 : 0) : *descriptor->tl0_picture_index);
            EXPECT_EQ(*descriptor->tl0_picture_index, expected_tl0) << "frame " << frame.truth->id;
            last_id = descriptor->picture_id;
            last_tl0 = descriptor->tl0_picture_index;
        }
    }
}

void check_vp9(const std::vector<Frame>& frames) {
    std::set<std::pair<std::uint64_t, std::uint8_t>> sent;  // picture, spatial layer
    Unwrapper<15> ids;
    std::optional<std::uint64_t> last;
    for (const Frame& frame : frames) {
        for (const Received* packet : frame.packets) {
            const auto descriptor = Vp9Descriptor::parse(packet->payload);
            ASSERT_TRUE(descriptor && descriptor->picture_id);
            const std::uint64_t id = ids.unwrap(*descriptor->picture_id);
            EXPECT_TRUE(!last || (id >= *last && id - *last < 5)) << "frame " << frame.truth->id;
            last = id;
            for (const std::uint8_t difference : descriptor->references.all()) {
                EXPECT_TRUE(sent.contains({id - difference, descriptor->spatial_layer}));
            }
            sent.insert({id, descriptor->spatial_layer});
        }
    }
}

void check_descriptors(const std::vector<Frame>& frames) {
    std::set<std::uint64_t> sent;
    Unwrapper<16> numbers;
    std::optional<std::uint64_t> last;
    rtp::TemplateStructure structure;
    bool known = false;
    for (const Frame& frame : frames) {
        for (const Received* packet : frame.packets) {
            rtp::TemplateStructure attached;
            const auto parsed = rtp::DependencyDescriptor::parse(
                packet->descriptor, known ? &structure : nullptr, attached);
            ASSERT_TRUE(parsed) << "frame " << frame.truth->id;
            if (parsed->head.has_structure) {
                structure = attached;
                known = true;
            }
            const std::uint64_t number = numbers.unwrap(parsed->head.frame_number);
            EXPECT_TRUE(!last || number > *last ||
                        (number == *last && packet != frame.packets.front()))
                << "frame " << frame.truth->id;
            EXPECT_TRUE(!last || number - *last < 16) << "frame " << frame.truth->id;
            last = number;
            EXPECT_EQ(parsed->spatial, frame.truth->layer.spatial);
            EXPECT_EQ(parsed->temporal, frame.truth->layer.temporal);
            for (const std::uint16_t difference : parsed->references.all()) {
                EXPECT_TRUE(sent.contains(number - difference))
                    << "frame " << frame.truth->id << " refers back " << difference;
            }
            sent.insert(number);
        }
    }
}

}  // namespace

Summary check_received(const std::vector<Received>& received,
                       const std::vector<const ScalableSource*>& sources) {
    const std::vector<const Received*> packets = in_order(received);
    check_sequence(packets);
    const std::vector<Frame> frames = gather(packets, sources);
    check_decodable(frames, sources);
    Summary summary;
    summary.pictures = check_markers(frames);
    const SourceConfig& config = sources.front()->config();
    if (config.codec == Codec::kVp8) {
        check_vp8(frames);
    } else if (config.codec == Codec::kVp9) {
        check_vp9(frames);
    }
    if (config.descriptors) {
        check_descriptors(frames);
    }
    for (const Frame& frame : frames) {
        ++summary.frames[frame.truth->layer];
        summary.sources.insert(frame.source);
    }
    return summary;
}

}  // namespace isthmus::media::layers
