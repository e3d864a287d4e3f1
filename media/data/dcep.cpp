#include "media/data/dcep.h"

#include <algorithm>
#include <cstring>

#include "base/byte_order.h"

namespace isthmus::media::data {
namespace {

// RFC 8832 section 8.2.1
constexpr std::uint8_t kTypeAck = 0x02;
constexpr std::uint8_t kTypeOpen = 0x03;

// Section 5.1: the high bit says unordered, the rest how reliable.
constexpr std::uint8_t kUnordered = 0x80;
constexpr std::uint8_t kReliable = 0x00;
constexpr std::uint8_t kRetransmits = 0x01;
constexpr std::uint8_t kTimed = 0x02;

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |  Message Type |  Channel Type |            Priority           |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                    Reliability Parameter                      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |         Label Length          |       Protocol Length         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                  Label, then Protocol                         |
constexpr std::size_t kOpenHeaderBytes = 12;

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::expected<DcepMessage, DcepError> parse_open(std::span<const std::byte> bytes) {
    if (bytes.size() < kOpenHeaderBytes) {
        return std::unexpected(DcepError::kTruncated);
    }
    const std::uint8_t channel_type = load_u8(&bytes[1]);
    const std::uint32_t reliability = load_be32(&bytes[4]);
    const std::size_t label_bytes = load_be16(&bytes[8]);
    const std::size_t protocol_bytes = load_be16(&bytes[10]);
    if (bytes.size() < kOpenHeaderBytes + label_bytes + protocol_bytes) {
        return std::unexpected(DcepError::kTruncated);
    }
    DcepOpen open{
        .ordered = (channel_type & kUnordered) == 0,
        .priority = load_be16(&bytes[2]),
        .max_retransmits = std::nullopt,
        .lifetime_ms = std::nullopt,
        .label = as_text(bytes.subspan(kOpenHeaderBytes, label_bytes)),
        .protocol = as_text(bytes.subspan(kOpenHeaderBytes + label_bytes, protocol_bytes))};
    switch (channel_type & ~kUnordered) {
        case kReliable:  // SPEC rfc8832#5.1: the parameter is ignored
            break;
        case kRetransmits:
            open.max_retransmits = reliability;
            break;
        case kTimed:
            open.lifetime_ms = reliability;
            break;
        default:
            return std::unexpected(DcepError::kUnknownChannelType);
    }
    return open;
}

}  // namespace

std::expected<DcepMessage, DcepError> parse_dcep(std::span<const std::byte> bytes) {
    if (bytes.empty()) {
        return std::unexpected(DcepError::kTruncated);
    }
    switch (load_u8(bytes.data())) {
        case kTypeAck:
            return DcepAck{};
        case kTypeOpen:
            return parse_open(bytes);
        default:
            return std::unexpected(DcepError::kUnknownType);
    }
}

std::vector<std::byte> write_dcep_open(const DcepOpen& open) {
    constexpr std::size_t kLengthMax = 0xffff;
    const std::string_view label = open.label.substr(0, kLengthMax);
    const std::string_view protocol = open.protocol.substr(0, kLengthMax);
    std::uint8_t channel_type = open.ordered ? 0 : kUnordered;
    std::uint32_t reliability = 0;
    if (open.max_retransmits) {
        channel_type |= kRetransmits;
        reliability = *open.max_retransmits;
    } else if (open.lifetime_ms) {
        channel_type |= kTimed;
        reliability = *open.lifetime_ms;
    }
    std::vector<std::byte> bytes(kOpenHeaderBytes + label.size() + protocol.size());
    store_u8(&bytes[0], kTypeOpen);
    store_u8(&bytes[1], channel_type);
    store_be16(&bytes[2], open.priority);
    store_be32(&bytes[4], reliability);
    store_be16(&bytes[8], static_cast<std::uint16_t>(label.size()));
    store_be16(&bytes[10], static_cast<std::uint16_t>(protocol.size()));
    const auto text = std::span(bytes).subspan(kOpenHeaderBytes);
    std::ranges::copy(std::as_bytes(std::span(label)), text.begin());
    std::ranges::copy(std::as_bytes(std::span(protocol)), text.subspan(label.size()).begin());
    return bytes;
}

std::vector<std::byte> write_dcep_ack() {
    return {std::byte{kTypeAck}};
}

}  // namespace isthmus::media::data
