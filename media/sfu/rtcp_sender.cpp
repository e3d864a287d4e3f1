#include "media/sfu/rtcp_sender.h"

namespace isthmus::media::sfu {

// Zeros for a buffer that is written before it is read would cost as much as a report.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
RtcpSender::RtcpSender(transport::PeerTransport& transport,
                       transport::DatagramSink& sink,
                       RtcpIdentity identity)
    : transport_(transport),
      sink_(sink),
      identity_(identity),
      writer_(std::span(buffer_).first(kPacketBytesMax)) {}

void RtcpSender::begin() {
    if (writer_.empty() && !identity_.reduced_size) {
        // Both fit into an empty packet.
        static_cast<void>(writer_.receiver_report(identity_.ssrc, {}));
        static_cast<void>(writer_.cname(identity_.ssrc, identity_.cname));
    }
}

void RtcpSender::flush() {
    const std::size_t bytes = writer_.size();
    writer_ = rtp::RtcpWriter(std::span(buffer_).first(kPacketBytesMax));
    if (!used_) {
        return;
    }
    used_ = false;
    const transport::Path* path = transport_.selected_path();
    const auto packet = transport_.protect_rtcp(buffer_, bytes);
    if (path == nullptr || !packet) {
        return;
    }
    const transport::OutDatagram datagram{.path = path, .bytes = *packet};
    sink_.send({&datagram, 1});
    ++packets_sent_;
    bytes_sent_ += packet->size();
}

}  // namespace isthmus::media::sfu
