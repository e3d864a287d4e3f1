// Reads a UDP socket: up to 64 messages a call, each one datagram or a run that the kernel
// coalesced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <sys/socket.h>

#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/io/socket_address.h"

namespace isthmus::media::transport {

struct UdpReceiveCounters {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;  // fewer than datagrams where the kernel coalesced
    std::uint64_t calls = 0;
    std::uint64_t kernel_drops = 0;   // the receive buffer was full (SO_RXQ_OVFL)
    std::uint64_t ecn_capable = 0;    // datagrams whose sender takes part in ECN (RFC 3168): ECT
    std::uint64_t ecn_congested = 0;  // of those, marked on the way by a queue that fills up: CE
    std::uint64_t unreachable = 0;    // ICMP errors about what was sent
    std::uint64_t unusable = 0;       // truncated, or no address
    std::uint64_t errors = 0;
};

class UdpReceiver {
  public:
    // `local` stands for the local address where the kernel does not tell it.
    UdpReceiver(const SocketAddress& local, LinkId link);

    [[nodiscard]] std::span<const InDatagram> receive(int fd);

    // The last call took all that waited: another one would most likely find nothing.
    [[nodiscard]] bool drained() const { return used_ < kMessages; }

    [[nodiscard]] const UdpReceiveCounters& counters() const { return counters_; }

  private:
    static constexpr std::size_t kMessages = 64;
    static constexpr std::size_t kMessageBytes = 65536;  // above the largest UDP payload, 65527
    // UDP_MAX_SEGMENTS of Linux 6.9 on, 64 before: what loopback can hand over in one message.
    static constexpr std::size_t kSegmentsMax = 128;
    // in_pktinfo or in6_pktinfo, the segment size, the traffic class and the drop count take at
    // most 112 bytes.
    static constexpr std::size_t kControlBytes = 128;

    struct Message {
        KernelAddress remote{};
        alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
        iovec vector{};
        Path path;
    };

    // What a message's control part says.
    struct Control {
        std::size_t segment_bytes = 0;  // 0: not coalesced
        std::uint32_t interface_index = 0;
        IpAddress local_ip;
        std::uint8_t ecn = 0;
    };

    void rearm(std::size_t index);
    [[nodiscard]] int read_batch(int fd);
    [[nodiscard]] Control read_control(msghdr& header);
    void count_drops(std::uint32_t total);
    void count_ecn(std::uint8_t ecn, std::size_t datagrams);
    void take(std::size_t index);
    void split(std::span<std::byte> bytes, std::size_t segment_bytes, const Path& path);

    SocketAddress local_;
    LinkId link_;
    std::unique_ptr<std::byte[]> buffer_;  // kMessages * kMessageBytes, touched where used
    std::vector<Message> messages_;
    std::vector<mmsghdr> headers_;
    std::vector<InDatagram> datagrams_;
    std::size_t used_ = 0;  // messages of the last call, to rearm
    std::uint32_t drops_seen_ = 0;
    UdpReceiveCounters counters_;
};

}  // namespace isthmus::media::transport
