#include "media/rtp/rtp_packet.h"

#include "base/byte_order.h"

namespace isthmus::media::rtp {

std::expected<RtpPacketView, RtpError> RtpPacketView::parse(std::span<const std::byte> packet) {
    if (packet.size() < kRtpFixedHeaderBytes) {
        return std::unexpected(RtpError::kTooShort);
    }
    const std::uint8_t first = load_u8(&packet[0]);
    if (first >> 6U != 2) {
        return std::unexpected(RtpError::kBadVersion);
    }
    RtpPacketView view;
    view.bytes = packet;
    const std::uint8_t second = load_u8(&packet[1]);
    view.marker = (second & 0x80U) != 0;
    view.payload_type = second & 0x7fU;
    view.seq = load_be16(&packet[2]);
    view.timestamp = RtpTimestamp{load_be32(&packet[4])};
    view.ssrc = load_be32(&packet[8]);

    std::span<const std::byte> rest = packet.subspan(kRtpFixedHeaderBytes);
    const std::size_t csrc_bytes = (first & 0x0fU) * std::size_t{4};
    if (rest.size() < csrc_bytes) {
        return std::unexpected(RtpError::kTruncatedCsrcs);
    }
    view.csrcs = rest.first(csrc_bytes);
    rest = rest.subspan(csrc_bytes);

    if ((first & 0x10U) != 0) {
        if (rest.size() < 4) {
            return std::unexpected(RtpError::kTruncatedExtension);
        }
        view.extension_profile = load_be16(&rest[0]);
        const std::size_t bytes = load_be16(&rest[2]) * std::size_t{4};
        rest = rest.subspan(4);
        if (rest.size() < bytes) {
            return std::unexpected(RtpError::kTruncatedExtension);
        }
        view.extension = rest.first(bytes);
        rest = rest.subspan(bytes);
    }

    if ((first & 0x20U) != 0) {
        // SPEC rfc3550#5.1: the last octet counts itself.
        if (rest.empty()) {
            return std::unexpected(RtpError::kBadPadding);
        }
        view.padding_bytes = load_u8(&rest.back());
        if (view.padding_bytes == 0 || view.padding_bytes > rest.size()) {
            return std::unexpected(RtpError::kBadPadding);
        }
    }
    view.payload = rest.first(rest.size() - view.padding_bytes);
    return view;
}

}  // namespace isthmus::media::rtp
