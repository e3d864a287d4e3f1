// Where SRTCP keeps its parts; shared by what reads and what writes it. RFC 3711 section 3.4, RFC
// 7714 section 9.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "media/transport/srtp_profile.h"

namespace isthmus::media::transport {

inline constexpr std::size_t kRtcpHeaderBytes = 8;  // up to and with the sender's SSRC
inline constexpr std::size_t kSrtcpIndexBytes = 4;
inline constexpr std::uint32_t kSrtcpEncrypted = 0x80000000U;  // the E bit, before the index
inline constexpr std::size_t kSrtpPacketBytesMax = std::numeric_limits<std::uint16_t>::max();

// What AEAD authenticates beside the ciphertext: the header, and the index with its E bit, which
// ends the packet.
using SrtcpAssociatedData = std::array<std::byte, kRtcpHeaderBytes + kSrtcpIndexBytes>;

[[nodiscard]] inline SrtcpAssociatedData srtcp_associated_data(std::span<const std::byte> packet) {
    SrtcpAssociatedData data{};
    std::memcpy(data.data(), packet.data(), kRtcpHeaderBytes);
    std::memcpy(data.data() + kRtcpHeaderBytes,
                packet.data() + packet.size() - kSrtcpIndexBytes,
                kSrtcpIndexBytes);
    return data;
}

}  // namespace isthmus::media::transport
