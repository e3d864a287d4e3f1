// Writes to a UDP socket: one sendmmsg for many messages, one message with UDP_SEGMENT for each run
// of datagrams of equal size and equal marking on one path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <sys/socket.h>

#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/io/socket_address.h"
#include "media/transport/segmentation.h"

namespace isthmus::media::transport {

struct UdpSendCounters {
    std::uint64_t datagrams = 0;  // taken by the kernel
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;  // fewer than datagrams where segmented
    std::uint64_t calls = 0;
    std::uint64_t dropped_full = 0;         // datagrams: the send buffer or the queue was full
    std::uint64_t dropped_unreachable = 0;  // datagrams: ICMP error, no route, firewall
    std::uint64_t dropped_error = 0;        // datagrams: anything else
    // Messages that could not be segmented and went out datagram by datagram.
    std::uint64_t segmentation_refused = 0;
};

class UdpSender {
  public:
    UdpSender(const SocketAddress& local, const TrafficMarking& marking);

    void set_segmentation(bool on) { segmentation_ = on; }

    void send(int fd, std::span<const OutDatagram> datagrams);

    [[nodiscard]] const UdpSendCounters& counters() const { return counters_; }

  private:
    static constexpr std::size_t kMessages = 64;
    static constexpr std::size_t kVectors = kMessages * kSegmentsMax;
    // in6_pktinfo, a segment size and a traffic class: 88 bytes.
    static constexpr std::size_t kControlBytes = 96;
    // Where a device cannot segment, it is asked again after so many messages: another route may.
    static constexpr std::uint32_t kRefusalMessages = 1024;

    struct Message {
        KernelAddress remote{};
        alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
        std::span<const OutDatagram> run;
    };

    enum class Outcome : std::uint8_t { kGoOn, kStop };

    [[nodiscard]] std::uint8_t tos_of(const OutDatagram& datagram) const {
        return tos_[static_cast<std::size_t>(datagram.kind)];
    }

    [[nodiscard]] std::size_t run_length(std::span<const OutDatagram> datagrams) const;
    void add_message(std::span<const OutDatagram> run);
    [[nodiscard]] std::span<iovec> add_vectors(std::span<const OutDatagram> run);
    [[nodiscard]] std::size_t write_control(const Path& path,
                                            std::span<const OutDatagram> run,
                                            msghdr& header) const;
    void add_vector(std::size_t first, std::span<const std::byte> bytes);
    [[nodiscard]] Outcome transmit(int fd);
    void drop_from(std::size_t message);
    [[nodiscard]] Outcome handle_error(int fd, int error, std::span<const OutDatagram> run);
    [[nodiscard]] Outcome send_one_by_one(int fd, std::span<const OutDatagram> run);
    [[nodiscard]] Outcome count_loss(int error, std::size_t datagrams);
    void count_sent(std::span<const OutDatagram> run);

    bool v4_;
    bool name_source_;  // bound to all addresses: say which one to send from
    std::array<std::uint8_t, kTrafficKinds> tos_;
    bool segmentation_ = false;
    std::uint32_t refusal_messages_left_ = 0;
    std::vector<Message> messages_;
    std::vector<mmsghdr> headers_;
    std::vector<iovec> vectors_;
    std::size_t message_count_ = 0;
    std::size_t vector_count_ = 0;
    UdpSendCounters counters_;
};

}  // namespace isthmus::media::transport
