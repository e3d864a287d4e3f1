// One UDP socket that receives and sends in batches: recvmmsg with UDP_GRO, sendmmsg with
// UDP_SEGMENT.
//
// Non-blocking. Watch fd() for readability, level-triggered; nothing ever waits for writability:
// what the kernel does not take at once is dropped and counted, as the network would. Nothing is
// allocated after open(). One thread. Linux only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/io/file_descriptor.h"
#include "media/transport/io/udp_receiver.h"
#include "media/transport/io/udp_sender.h"
#include "media/transport/traffic_class.h"

namespace isthmus::media::transport {

struct UdpSocketOptions {
    // IPv4, or IPv6 without IPv4 (V6ONLY). Port 0: the kernel chooses.
    SocketAddress bind{};
    // Stands in the path of every datagram. The top bit is for TCP connections.
    LinkId link{};
    // 0: as the system has it.
    int receive_buffer_bytes = 0;
    int send_buffer_bytes = 0;
    // Several datagrams a message, where the kernel can.
    bool segmentation = true;
    TrafficMarking marking = kUnmarked;
};

// What the kernel gave, in the bytes of SO_RCVBUF and SO_SNDBUF as they were asked for (it keeps
// twice as much, for its own bookkeeping).
struct UdpBuffers {
    int receive_bytes = 0;
    int send_bytes = 0;
};

class UdpBatchSocket {
  public:
    // The error names the address and what to do.
    [[nodiscard]] static Result<UdpBatchSocket> open(const UdpSocketOptions& options);

    [[nodiscard]] int fd() const { return fd_.get(); }

    // With the port that the kernel chose.
    [[nodiscard]] const SocketAddress& local_address() const { return local_address_; }

    // Up to 64 messages of one datagram or, with GRO, one run of them; empty where none waits. The
    // bytes are the caller's to change; paths and bytes are valid until the next call.
    [[nodiscard]] std::span<const InDatagram> receive() { return receiver_.receive(fd_.get()); }

    // The last receive() took all that waited.
    [[nodiscard]] bool drained() const { return receiver_.drained(); }

    // Their paths are of this socket's address family. From the path's local address where the
    // socket is bound to all.
    void send(std::span<const OutDatagram> datagrams) { sender_.send(fd_.get(), datagrams); }

    [[nodiscard]] const UdpReceiveCounters& receive_counters() const {
        return receiver_.counters();
    }

    [[nodiscard]] const UdpSendCounters& send_counters() const { return sender_.counters(); }

    [[nodiscard]] const UdpBuffers& buffers() const { return buffers_; }

    // Sentences for the operator: buffers smaller than asked for, kernel features that are missing.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    UdpBatchSocket(FileDescriptor fd, const SocketAddress& local, const UdpSocketOptions& options);

    void set_buffers(const UdpSocketOptions& options);
    void set_segmentation(bool wanted);
    [[nodiscard]] int set_buffer(int option, int force_option, int bytes) const;

    FileDescriptor fd_;
    SocketAddress local_address_;
    UdpReceiver receiver_;
    UdpSender sender_;
    UdpBuffers buffers_;
    std::vector<std::string> warnings_;
};

}  // namespace isthmus::media::transport
