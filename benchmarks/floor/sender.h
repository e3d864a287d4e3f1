// The least that a node could do to send the traffic: a header for each packet and receiver,
// encryption, sendmmsg with UDP_SEGMENT. In batches as large as the node's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "benchmarks/floor/shape.h"
#include "media/transport/io/udp_batch_socket.h"
#include "media/transport/srtp_fanout.h"

namespace isthmus::floor {

class Sender {
  public:
    Sender(const Shape& shape,
           const std::vector<media::transport::SrtpMasterKey>& keys,
           std::uint16_t port);

    // One burst to every receiver; its payload ends in the time of now (payload_stamp.h).
    void send_burst();

    [[nodiscard]] const media::transport::UdpSendCounters& counters() const {
        return socket_.send_counters();
    }

  private:
    // 12 bytes and one block of extensions, as a node with transport-wide numbers writes.
    static constexpr std::size_t kHeaderBytes = 20;
    static constexpr std::size_t kBatchPackets = 256;

    void add(std::size_t receiver, std::uint16_t sequence, bool last);
    void flush();

    Shape shape_;
    std::unique_ptr<media::transport::SrtpFanout> engine_;
    media::transport::UdpBatchSocket socket_;
    std::vector<std::unique_ptr<media::transport::SrtpSendKey>> keys_;
    std::vector<media::transport::Path> paths_;
    std::vector<std::byte> payload_;
    std::vector<std::byte> headers_;
    std::vector<std::byte> out_;
    std::vector<media::transport::SrtpJob> jobs_;
    std::vector<media::transport::OutDatagram> datagrams_;
    std::size_t out_used_ = 0;
    std::uint64_t index_ = 0;  // of the next packet; the same for every receiver
};

}  // namespace isthmus::floor
