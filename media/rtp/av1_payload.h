// The AV1 aggregation header.
//
// Specification: AV1 RTP specification, section 4.4.
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

}  // namespace isthmus::media::rtp
