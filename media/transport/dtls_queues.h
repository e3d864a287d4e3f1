// What a DTLS association has for its owner: datagrams to send and data that came.
//
// Bounded both ways: what is more is lost, as it may be in the network, and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "media/transport/drained_queue.h"

namespace isthmus::media::transport {

struct DtlsQueues {
    using Bytes = std::vector<std::byte>;

    // A flight has two or three.
    static constexpr std::size_t kOutgoingMax = 32;
    // A datagram of 2 KiB holds this many records of a few bytes.
    static constexpr std::size_t kReceivedMax = 64;

    // False where it is full.
    bool send(Bytes datagram) {
        const bool has_room = outgoing.size() < kOutgoingMax;
        if (has_room) {
            outgoing.push(std::move(datagram));
        } else {
            ++dropped;
        }
        return has_room;
    }

    void receive(Bytes data) {
        if (received.size() < kReceivedMax) {
            received.push(std::move(data));
        } else {
            ++dropped;
        }
    }

    DrainedQueue<Bytes> outgoing;
    DrainedQueue<Bytes> received;
    std::uint64_t dropped = 0;
};

}  // namespace isthmus::media::transport
