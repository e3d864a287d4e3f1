// classify() and stun_local_ufrag() of peer_transport.h: what a worker asks before it knows whose a
// datagram is.
#include "media/transport/peer_transport.h"
#include "media/transport/stun_message.h"

namespace isthmus::media::transport {

DatagramKind classify(std::span<const std::byte> datagram) {
    if (datagram.empty()) {
        return DatagramKind::kOther;
    }
    const auto first = std::to_integer<std::uint8_t>(datagram[0]);
    if (first <= 3) {
        return DatagramKind::kStun;
    }
    if (first >= 20 && first <= 63) {
        return DatagramKind::kDtls;
    }
    if (first < 128 || first > 191 || datagram.size() < 2) {
        return DatagramKind::kOther;
    }
    // RTCP packet types 192 to 223 share the byte with RTP payload types 64 to 95 with the marker
    // bit set, which RFC 5761 section 4 forbids for RTP.
    const auto second = std::to_integer<std::uint8_t>(datagram[1]);
    return second >= 192 && second <= 223 ? DatagramKind::kRtcp : DatagramKind::kRtp;
}

std::string_view stun_local_ufrag(std::span<const std::byte> message) {
    const std::string_view username = binding_request_username(message);
    const std::size_t colon = username.find(':');
    return colon == std::string_view::npos ? std::string_view{} : username.substr(0, colon);
}

}  // namespace isthmus::media::transport
