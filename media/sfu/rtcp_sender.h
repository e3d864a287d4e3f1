// Writes RTCP messages into as few packets as they fit in, encrypts and sends them.
//
// Lives for one round of feedback. Where reduced size was not negotiated, every packet begins with
// an empty receiver report and the CNAME, as RFC 3550 section 6.1 asks; RFC 5506 lifts that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "media/rtp/rtcp_writer.h"
#include "media/transport/datagram.h"
#include "media/transport/peer_transport.h"

namespace isthmus::media::sfu {

struct RtcpIdentity {
    std::uint32_t ssrc = 0;  // of the node, towards this client
    std::string_view cname;
    bool reduced_size = false;
};

class RtcpSender {
  public:
    RtcpSender(transport::PeerTransport& transport,
               transport::DatagramSink& sink,
               RtcpIdentity identity);

    ~RtcpSender() { flush(); }

    RtcpSender(const RtcpSender&) = delete;
    RtcpSender& operator=(const RtcpSender&) = delete;

    // `write` is called with an RtcpWriter and returns whether its message fitted; where it did
    // not, it is called again with an empty packet. False where it does not fit there either.
    template <typename Write>
    bool add(Write&& write) {
        begin();
        if (write(writer_)) {
            used_ = true;
            return true;
        }
        flush();
        begin();
        used_ = write(writer_);
        return used_;
    }

    [[nodiscard]] const RtcpIdentity& identity() const { return identity_; }

    [[nodiscard]] std::uint64_t packets_sent() const { return packets_sent_; }

    [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }

    void flush();

  private:
    // A feedback packet that leaves room for the headers of any path. Bytes.
    static constexpr std::size_t kPacketBytesMax = 1200;

    void begin();

    transport::PeerTransport& transport_;
    transport::DatagramSink& sink_;
    RtcpIdentity identity_;
    std::array<std::byte, kPacketBytesMax + transport::kSrtcpOverheadBytesMax> buffer_;
    rtp::RtcpWriter writer_;
    bool used_ = false;
    std::uint64_t packets_sent_ = 0;
    std::uint64_t bytes_sent_ = 0;
};

}  // namespace isthmus::media::sfu
