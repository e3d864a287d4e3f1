// What many clients of one thread send, collected: one encryption pass and one call of the sink for
// all of it.
//
// Everything is copied in, so that whoever adds may forget; paths and keys must live until flush().
// Fills up and flushes by itself after kPackets. Nothing is allocated after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "media/transport/datagram.h"
#include "media/transport/srtp_fanout.h"

namespace isthmus::media::client {

class PacketBatch {
  public:
    static constexpr std::size_t kPackets = 256;
    static constexpr std::size_t kPacketBytesMax = 2048;

    // Both outlive the batch.
    PacketBatch(transport::SrtpFanout& fanout, transport::DatagramSink& sink);

    // An RTP packet to seal with `key`. `roc` is its roll-over counter. Larger ones than
    // kPacketBytesMax with tag are dropped.
    void add_rtp(const transport::SrtpSendKey& key,
                 const transport::Path& path,
                 std::span<const std::byte> header,
                 std::span<const std::byte> payload,
                 std::uint32_t roc);

    // A datagram that is ready to go.
    void add(const transport::OutDatagram& datagram);

    void flush();

    [[nodiscard]] bool empty() const { return datagrams_.empty(); }

    [[nodiscard]] std::uint64_t datagrams() const { return total_; }

  private:
    [[nodiscard]] std::byte* plain(std::size_t index) {
        return plain_.get() + index * kPacketBytesMax;
    }

    [[nodiscard]] std::byte* sealed(std::size_t index) {
        return sealed_.get() + index * kPacketBytesMax;
    }

    void add_sealed(const transport::Path& path, std::size_t bytes);

    transport::SrtpFanout& fanout_;
    transport::DatagramSink& sink_;
    std::unique_ptr<std::byte[]> plain_;
    std::unique_ptr<std::byte[]> sealed_;
    std::vector<transport::SrtpJob> jobs_;
    std::vector<transport::OutDatagram> datagrams_;
    std::uint64_t total_ = 0;
};

}  // namespace isthmus::media::client
