#include "media/rtp/rtx.h"

#include <cstring>

#include "base/byte_order.h"

namespace isthmus::media::rtp {

std::expected<std::span<std::byte>, RtxError> restore_rtx(std::span<std::byte> packet,
                                                          std::uint32_t original_ssrc,
                                                          std::uint8_t original_payload_type) {
    const auto view = RtpPacketView::parse(packet);
    if (!view) {
        return std::unexpected(RtxError::kMalformed);
    }
    if (view->payload.size() < kRtxOsnBytes) {
        return std::unexpected(RtxError::kEmpty);
    }
    const std::uint16_t original_seq = load_be16(view->payload.data());
    const auto header_bytes = static_cast<std::size_t>(view->payload.data() - packet.data());
    const std::uint8_t marker = view->marker ? 0x80 : 0;

    // The header moves over the OSN; the payload, which is longer, stays.
    std::memmove(packet.data() + kRtxOsnBytes, packet.data(), header_bytes);
    const std::span<std::byte> original = packet.subspan(kRtxOsnBytes);
    store_u8(&original[1], static_cast<std::uint8_t>(marker | (original_payload_type & 0x7fU)));
    store_be16(&original[2], original_seq);
    store_be32(&original[8], original_ssrc);
    return original;
}

std::size_t write_rtx_payload(std::uint16_t original_seq,
                              std::span<const std::byte> payload,
                              std::span<std::byte> out) {
    if (out.size() < kRtxOsnBytes + payload.size()) {
        return 0;
    }
    store_be16(out.data(), original_seq);
    if (!payload.empty()) {
        std::memcpy(out.data() + kRtxOsnBytes, payload.data(), payload.size());
    }
    return kRtxOsnBytes + payload.size();
}

}  // namespace isthmus::media::rtp
