// The BIO between one SSL object and the sans-I/O world: one datagram in, datagrams out, boundaries
// kept both ways.
#pragma once

#include <cstddef>
#include <span>

#include <sys/time.h>

#include "media/transport/dtls_queues.h"
#include "media/transport/dtls_sent_records.h"

using BIO = struct bio_st;

namespace isthmus::media::transport {

struct DtlsBio {
    explicit DtlsBio(DtlsQueues& to) : queues(to) {}

    std::span<const std::byte> incoming;  // empty once read
    DtlsQueues& queues;
    DtlsSentRecords sent;
    // OpenSSL's retransmission deadline; see DtlsHandshake. Null until OpenSSL first touched it.
    timeval* openssl_deadline = nullptr;
};

// The BIO refers to `state`, which outlives it. Null where there is no memory.
[[nodiscard]] BIO* make_dtls_bio(DtlsBio& state);

}  // namespace isthmus::media::transport
