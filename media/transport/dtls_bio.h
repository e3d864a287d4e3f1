// The BIO between one SSL object and the sans-I/O world: one datagram in, datagrams out, boundaries
// kept both ways.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <sys/time.h>

#include "media/transport/drained_queue.h"

using BIO = struct bio_st;

namespace isthmus::media::transport {

struct DtlsBio {
    // Datagrams held for poll_datagram(); a flight has two or three. What is more is lost, as it
    // may be in the network.
    static constexpr std::size_t kOutgoingMax = 32;

    std::span<const std::byte> incoming;  // empty once read
    DrainedQueue<std::vector<std::byte>> outgoing;
    // OpenSSL's retransmission deadline; see DtlsEndpoint. Null until OpenSSL first touched it.
    timeval* openssl_deadline = nullptr;
};

// The BIO refers to `state`, which outlives it. Null where there is no memory.
[[nodiscard]] BIO* make_dtls_bio(DtlsBio& state);

}  // namespace isthmus::media::transport
