// Datagrams in and out of the sans-I/O cores.
#pragma once

#include <cstddef>
#include <span>

#include "media/transport/address.h"
#include "media/transport/traffic_class.h"

namespace isthmus::media::transport {

// One datagram, or one RFC 4571 frame of a TCP connection, as it arrived. The bytes are the
// receiver's to change: SRTP is decrypted in place.
struct InDatagram {
    const Path* path = nullptr;
    std::span<std::byte> bytes;
};

// One datagram to send. Both pointers need only live until send() returns.
struct OutDatagram {
    const Path* path = nullptr;
    std::span<const std::byte> bytes;
    TrafficKind kind = TrafficKind::kControl;
};

// Takes datagrams in batches: one call for all that a batch of input led to. Loss is allowed, as it
// is in the network.
class DatagramSink {
  public:
    virtual ~DatagramSink() = default;
    virtual void send(std::span<const OutDatagram> datagrams) = 0;
};

// The largest datagram that the node sends, in bytes, without IP and UDP headers: the IPv6 minimum
// MTU 1280 - 40 - 8 is 1232, and WebRTC clients themselves send up to about 1250.
inline constexpr std::size_t kDatagramBytesMax = 1500;

}  // namespace isthmus::media::transport
