// A publisher that sends anything, seen by one receiver whose target moves: the selection never
// leaves its bounds, asks for key frames no more than once a picture, and what it writes parses.
// Input: one byte of codec, then packets: flags (marker, source, late, retarget), sequence step,
// timestamp step, length of descriptor, length of payload, both.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/layers/layer_meter.h"
#include "media/layers/layer_reader.h"
#include "media/layers/layer_selector.h"

namespace isthmus::media::layers {
namespace {

class Feeder {
  public:
    explicit Feeder(rtp::Codec codec) : codec_(codec) { selector_.set_target(Target{.source = 0}); }

    // Returns what is left of the input.
    std::span<const std::byte> feed(std::span<const std::byte> input) {
        const std::uint8_t flags = load_u8(&input[0]);
        seq_ = rtp::advance(seq_,
                            (flags & 0x04U) != 0 ? -std::int64_t{load_u8(&input[1])}
                                                 : std::int64_t{load_u8(&input[1])});
        timestamp_ = rtp::advance(timestamp_, std::int64_t{load_u8(&input[2])} * 3000);
        if ((flags & 0x08U) != 0) {
            retarget(flags, load_u8(&input[2]));
        }
        const std::size_t descriptor_bytes = load_u8(&input[3]);
        const std::size_t payload_bytes = load_u8(&input[4]);
        input = input.subspan(5);
        const auto descriptor = input.first(std::min(descriptor_bytes, input.size()));
        input = input.subspan(descriptor.size());
        const auto payload = input.first(std::min(payload_bytes, input.size()));
        packet({.marker = (flags & 0x01U) != 0, .timestamp = timestamp_, .payload = payload},
               descriptor,
               flags >> 1U & 1U);
        return input.subspan(payload.size());
    }

  private:
    void retarget(std::uint8_t flags, std::uint8_t layer) {
        if ((flags & 0x10U) != 0) {
            selector_.set_target(std::nullopt);
        } else {
            selector_.set_target(
                Target{.source = flags >> 5U & 1U,
                       .layer = {.spatial = static_cast<std::uint8_t>(layer & 7U),
                                 .temporal = static_cast<std::uint8_t>(layer >> 3U & 7U)}});
        }
    }

    void packet(const rtp::RtpPacketView& view,
                std::span<const std::byte> descriptor,
                std::uint32_t source) {
        const PacketLayers layers = readers_[source].read(codec_, view, descriptor);
        meter_.on_packet(Instant{}, layers, view.timestamp, view.payload.size());
        CHECK(layers.layer.spatial < kSpatialLayersMax);
        CHECK(layers.layer.temporal < kTemporalLayersMax);
        const LayeredPacket packet{.source = source,
                                   .seq = seq_,
                                   .timestamp = view.timestamp,
                                   .marker = view.marker,
                                   .payload = view.payload,
                                   .layers = &layers};
        check(packet, descriptor, selector_.select(packet));
        const PacketLayers again = readers_[source].read_again(codec_, view, descriptor);
        LayeredPacket repeated = packet;
        repeated.layers = &again;
        check(repeated, descriptor, selector_.select_again(repeated));
    }

    void check(const LayeredPacket& packet,
               std::span<const std::byte> descriptor,
               const Selection& selection) const {
        CHECK(selection.prefix.replaced <= packet.payload.size());
        CHECK(selection.prefix.size <= selection.prefix.bytes.size());
        if (selection.edit.any) {
            std::array<std::byte, rtp::kEditedDescriptorBytesMax> edited{};
            const std::size_t size = rtp::edit_descriptor(descriptor, selection.edit, edited);
            CHECK(size >= rtp::kDescriptorBytesMin && size <= rtp::kDescriptorBytesMax);
        }
        if (selection.verdict != Verdict::kForward || selection.prefix.empty()) {
            return;
        }
        std::vector<std::byte> written(selection.prefix.view().begin(),
                                       selection.prefix.view().end());
        const auto rest = packet.payload.subspan(selection.prefix.replaced);
        written.insert(written.end(), rest.begin(), rest.end());
        if (codec_ == rtp::Codec::kVp8) {
            CHECK(rtp::Vp8Descriptor::parse(written).has_value());
        } else {
            CHECK(rtp::Vp9Descriptor::parse(written).has_value());
        }
    }

    rtp::Codec codec_;
    LayerReader readers_[2];
    LayerMeter meter_;
    LayerSelector selector_;
    rtp::ExtendedSeq seq_ = rtp::make_extended_seq(1, 0);
    rtp::RtpTimestamp timestamp_{};
};

}  // namespace
}  // namespace isthmus::media::layers

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace rtp = isthmus::media::rtp;
    constexpr rtp::Codec kCodecs[] = {
        rtp::Codec::kVp8, rtp::Codec::kVp9, rtp::Codec::kAv1, rtp::Codec::kH264};
    auto input = std::as_bytes(std::span(data, size));
    if (input.empty()) {
        return 0;
    }
    isthmus::media::layers::Feeder feeder(kCodecs[isthmus::load_u8(input.data()) % 4U]);
    input = input.subspan(1);
    constexpr std::size_t kHeadBytes = 5;
    while (input.size() >= kHeadBytes) {
        input = feeder.feed(input);
    }
    return 0;
}
