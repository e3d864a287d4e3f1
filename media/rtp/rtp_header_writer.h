// Writes the header of a forwarded packet in one receiver's terms; the payload stays shared.
//
// One per stream sent to a receiver, made when the receiver's extension ids are known: what is the
// same in every packet (which elements, their ids, the mid) is laid out then. Per packet it copies
// that template, sets the numbers and appends what the publisher said: audio level, orientation,
// playout delay, dependency descriptor. CSRCs are kept; rid, repaired-rid and padding are not.
//
// The one-byte form is used where it can be: two-byte with an id above 14 or a value above 16
// bytes. Specification: RFC 3550 section 5.1, RFC 8285 section 4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "media/rtp/header_extension_kind.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

// What changes from packet to packet.
struct RtpHeaderFields {
    std::uint8_t payload_type = 0;
    bool marker = false;
    std::uint16_t seq = 0;
    RtpTimestamp timestamp{};
    std::uint32_t ssrc = 0;
    std::uint16_t transport_sequence = 0;  // unused where not negotiated
    std::uint32_t abs_send_time = 0;       // from abs_send_time_of(); unused where not negotiated
};

// Longer mids are not sent: the receiver finds the section by SSRC. Browsers use one to three
// bytes.
inline constexpr std::size_t kMidBytesMax = 32;

// 12 fixed, 60 of CSRCs, 4 of extension header; two-byte elements: mid 34, transport-wide sequence
// 4, absolute send time 5, audio level 3, orientation 3, playout delay 5, dependency descriptor
// 257, padded to a word: 312.
inline constexpr std::size_t kRtpHeaderBytesMax = 12 + 60 + 4 + 312;

class RtpHeaderWriter {
  public:
    RtpHeaderWriter() : RtpHeaderWriter(ExtensionIds{}, {}) {}

    // `mid` is the receiver's; empty for none (in RTP without BUNDLE).
    RtpHeaderWriter(const ExtensionIds& receiver_ids, std::string_view mid);

    // Returns the bytes written. `csrcs` are those of the publisher's packet, `values` its
    // extensions. `out` has kRtpHeaderBytesMax bytes and overlaps neither.
    [[nodiscard]] std::size_t write(const RtpHeaderFields& fields,
                                    std::span<const std::byte> csrcs,
                                    const HeaderExtensions& values,
                                    std::span<std::byte> out) const;

    [[nodiscard]] bool wants_transport_sequence() const {
        return ids_.id_of(ExtensionKind::kTransportSequence) != 0;
    }

    [[nodiscard]] bool wants_abs_send_time() const {
        return ids_.id_of(ExtensionKind::kAbsSendTime) != 0;
    }

  private:
    // Extension header and the elements that every packet has, in one of the two forms. Offsets
    // count from its beginning; 0 where the element is not negotiated.
    struct Template {
        std::array<std::byte, 4 + 2 + kMidBytesMax + 4 + 5> bytes{};
        std::uint8_t size = 4;
        std::uint8_t transport_sequence_at = 0;
        std::uint8_t abs_send_time_at = 0;
    };

    [[nodiscard]] Template make_template(bool two_byte, std::string_view mid) const;

    ExtensionIds ids_;
    Template one_byte_;
    Template two_byte_;
    bool always_two_byte_ = false;
};

}  // namespace isthmus::media::rtp
