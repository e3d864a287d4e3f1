// Any payload in any codec: descriptors stay within it, and the answer to "may a receiver begin
// here" agrees with them. Input: one byte of codec, one of dependency descriptor's length, the
// descriptor, the payload.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/rtp/av1_payload.h"
#include "media/rtp/h264_payload.h"
#include "media/rtp/h264_sps.h"
#include "media/rtp/key_frame.h"
#include "media/rtp/vp8_descriptor.h"
#include "media/rtp/vp9_descriptor.h"

namespace isthmus::media::rtp {
namespace {

void check_descriptors(std::span<const std::byte> payload) {
    if (const auto vp8 = Vp8Descriptor::parse(payload)) {
        CHECK(vp8->bytes >= 1 && vp8->bytes <= 6 && vp8->bytes < payload.size());
        CHECK(vp8->key_frame == is_key_frame_start(Codec::kVp8, payload));
        CHECK(vp8->picture_id.value_or(0) <= (vp8->long_picture_id ? 0x7fff : 0x7f));
        CHECK(!vp8->key_frame_size(payload) || vp8->key_frame);
        const PayloadPrefix prefix = rewrite_vp8(payload, *vp8, {.picture_id = 7});
        CHECK(prefix.replaced <= vp8->bytes && prefix.size <= prefix.bytes.size());
    }
    if (const auto vp9 = Vp9Descriptor::parse(payload)) {
        CHECK(vp9->bytes >= 1 && vp9->bytes < payload.size());
        CHECK(vp9->key_frame() == is_key_frame_start(Codec::kVp9, payload));
        CHECK(vp9->spatial_layer < 8 && vp9->temporal_layer.value_or(0) < 8);
        CHECK(!vp9->key_frame_size(payload) || vp9->key_frame());
        const PayloadPrefix prefix = rewrite_vp9(payload, *vp9, {.picture_id = 7});
        CHECK(prefix.replaced <= vp9->bytes && prefix.size == prefix.replaced);
        if (vp9->scalability_structure) {
            const Vp9Structure structure = vp9->structure(payload);
            CHECK(structure.spatial_layers >= 1 && structure.group_pictures <= kVp9GroupMax);
        }
    }
    if (const auto h264 = H264Payload::parse(payload)) {
        CHECK(h264->key_frame_start() == is_key_frame_start(Codec::kH264, payload));
        const auto size = h264_frame_size(h264->sps_body);
        CHECK(!size || (size->width != 0 && size->height != 0));
    }
    if (const auto av1 = Av1AggregationHeader::parse(payload)) {
        CHECK(av1->new_coded_sequence == is_key_frame_start(Codec::kAv1, payload));
    }
}

}  // namespace
}  // namespace isthmus::media::rtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace rtp = isthmus::media::rtp;
    const auto input = std::as_bytes(std::span(data, size));
    if (input.size() < 2) {
        return 0;
    }
    const auto codec = static_cast<rtp::Codec>(isthmus::load_u8(&input[0]) % 7U);
    const auto rest = input.subspan(2);
    const auto descriptor =
        rest.first(std::min<std::size_t>(isthmus::load_u8(&input[1]), rest.size()));
    const auto payload = rest.subspan(descriptor.size());
    rtp::check_descriptors(payload);
    const bool starts = rtp::is_key_frame_start(codec, payload, descriptor);
    CHECK(!starts || !payload.empty() || !descriptor.empty() ||
          rtp::kind_of(codec) == rtp::MediaKind::kAudio);
    return 0;
}
