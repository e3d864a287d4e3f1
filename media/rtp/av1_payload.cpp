#include "media/rtp/av1_payload.h"

#include "base/byte_order.h"

namespace isthmus::media::rtp {

std::optional<Av1AggregationHeader> Av1AggregationHeader::parse(
    std::span<const std::byte> payload) {
    if (payload.size() < 2) {
        return std::nullopt;
    }
    const std::uint8_t bits = load_u8(payload.data());
    const Av1AggregationHeader header{.continues = (bits & 0x80U) != 0,
                                      .continued = (bits & 0x40U) != 0,
                                      .elements = static_cast<std::uint8_t>((bits >> 4U) & 0x03U),
                                      .new_coded_sequence = (bits & 0x08U) != 0};
    // SPEC av1-rtp#4.4: if N is 1, Z must be 0.
    if (header.continues && header.new_coded_sequence) {
        return std::nullopt;
    }
    return header;
}

}  // namespace isthmus::media::rtp
