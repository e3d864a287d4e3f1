// Short ways to write packets down in tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/byte_order.h"
#include "base/time.h"
#include "media/rtp/rtp_packet.h"

namespace isthmus::media::rtp {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(std::initializer_list<int> values) {
    Bytes made;
    made.reserve(values.size());
    for (const int value : values) {
        made.push_back(static_cast<std::byte>(value));
    }
    return made;
}

inline void append(Bytes& to, std::span<const std::byte> more) {
    to.insert(to.end(), more.begin(), more.end());
}

inline Instant at_ms(std::int64_t ms) {
    return Instant{} + std::chrono::milliseconds(ms);
}

struct RtpParts {
    std::uint8_t payload_type = 96;
    bool marker = false;
    std::uint16_t seq = 1;
    std::uint32_t timestamp = 1000;
    std::uint32_t ssrc = 0x11223344;
    std::vector<std::uint32_t> csrcs = {};
    std::uint16_t extension_profile = 0;  // 0: none
    Bytes extension = {};                 // whole words
    Bytes payload = {};
    std::uint8_t padding = 0;
};

// Written apart from the code under test, straight from RFC 3550's picture.
inline Bytes make_rtp(const RtpParts& parts) {
    Bytes packet(12);
    const bool extended = parts.extension_profile != 0;
    packet[0] = static_cast<std::byte>(0x80U | (parts.padding != 0 ? 0x20U : 0U) |
                                       (extended ? 0x10U : 0U) | parts.csrcs.size());
    packet[1] = static_cast<std::byte>((parts.marker ? 0x80U : 0U) | parts.payload_type);
    store_be16(&packet[2], parts.seq);
    store_be32(&packet[4], parts.timestamp);
    store_be32(&packet[8], parts.ssrc);
    for (const std::uint32_t csrc : parts.csrcs) {
        packet.resize(packet.size() + 4);
        store_be32(&packet[packet.size() - 4], csrc);
    }
    if (extended) {
        packet.resize(packet.size() + 4);
        store_be16(&packet[packet.size() - 4], parts.extension_profile);
        store_be16(&packet[packet.size() - 2],
                   static_cast<std::uint16_t>(parts.extension.size() / 4));
        append(packet, parts.extension);
    }
    append(packet, parts.payload);
    if (parts.padding != 0) {
        packet.resize(packet.size() + parts.padding);
        packet.back() = std::byte{parts.padding};
    }
    return packet;
}

}  // namespace isthmus::media::rtp
