#include "media/rtp/key_frame.h"

#include "media/rtp/av1_payload.h"
#include "media/rtp/dependency_descriptor.h"
#include "media/rtp/h264_payload.h"
#include "media/rtp/vp8_descriptor.h"
#include "media/rtp/vp9_descriptor.h"

namespace isthmus::media::rtp {
namespace {

bool av1_starts(std::span<const std::byte> payload,
                std::span<const std::byte> dependency_descriptor) {
    if (const auto descriptor = DescriptorHead::parse(dependency_descriptor)) {
        return descriptor->start_of_frame && descriptor->has_structure;
    }
    const auto header = Av1AggregationHeader::parse(payload);
    return header && header->new_coded_sequence;
}

}  // namespace

bool is_key_frame_start(Codec codec,
                        std::span<const std::byte> payload,
                        std::span<const std::byte> dependency_descriptor) {
    switch (codec) {
        case Codec::kOpus:
        case Codec::kPcmu:
        case Codec::kPcma:
            return true;
        case Codec::kVp8: {
            const auto descriptor = Vp8Descriptor::parse(payload);
            return descriptor && descriptor->key_frame;
        }
        case Codec::kVp9: {
            const auto descriptor = Vp9Descriptor::parse(payload);
            return descriptor && descriptor->key_frame();
        }
        case Codec::kAv1:
            return av1_starts(payload, dependency_descriptor);
        case Codec::kH264: {
            const auto parsed = H264Payload::parse(payload);
            return parsed && parsed->key_frame_start();
        }
    }
    return false;
}

}  // namespace isthmus::media::rtp
