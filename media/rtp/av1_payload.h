// The AV1 aggregation header, and the beginning of the dependency descriptor.
//
// Leaves out: templates, decode targets and chains of the dependency descriptor.
// Specification: AV1 RTP specification, section 4.4 and appendix A.8.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace isthmus::media::rtp {

//  0 1 2 3 4 5 6 7
// +-+-+-+-+-+-+-+-+
// |Z|Y| W |N|-|-|-|
struct Av1AggregationHeader {
    bool continues = false;           // Z: the first OBU element began in the packet before
    bool continued = false;           // Y: the last one goes on in the next
    std::uint8_t elements = 0;        // W: OBU elements, 0 where each has its length
    bool new_coded_sequence = false;  // N: the first packet of a coded video sequence

    // Nothing where the payload is empty, ends behind the header, or has both Z and N.
    [[nodiscard]] static std::optional<Av1AggregationHeader> parse(
        std::span<const std::byte> payload);
};

struct DependencyDescriptor {
    bool start_of_frame = false;
    bool end_of_frame = false;
    std::uint8_t template_id = 0;
    std::uint16_t frame_number = 0;
    // Comes with key frames: the packet can be understood without an earlier one.
    bool template_structure = false;

    // Nothing where the value is shorter than its mandatory part.
    [[nodiscard]] static std::optional<DependencyDescriptor> parse(
        std::span<const std::byte> value);
};

}  // namespace isthmus::media::rtp
