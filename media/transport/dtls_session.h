// A DTLS association once its handshake is done: application data, alerts, and the answer to a peer
// that did not hear the end of the handshake. 200 bytes take the place of OpenSSL's 38 KiB.
//
// Driven by DtlsEndpoint. Only records that authenticate change anything; of an authentic peer that
// breaks the protocol, the association ends with an alert, as OpenSSL ends it.
//
// A server that sent the last flight says it again, under new numbers, each time the client repeats
// its Finished (RFC 6347 section 4.2.4): the plaintext of 24 bytes is kept for that, as long as the
// association lives. A client has nothing to repeat: that the server speaks shows that it heard us.
//
// Leaves out: renegotiation (answered with no_renegotiation).
// Specification: RFC 6347 section 4.2, RFC 5246 section 7.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "media/transport/dtls_queues.h"
#include "media/transport/dtls_record_layer.h"

namespace isthmus::media::transport {

// RFC 6347 section 4.2.2: header 12, verify_data 12.
using DtlsFinished = std::array<std::byte, 24>;

// What a server repeats: ChangeCipherSpec, which is not protected, and its Finished.
struct DtlsLastFlight {
    DtlsFinished finished{};
    std::uint64_t next_plain_sequence = 0;
};

// What a handshake came to.
struct DtlsHandover {
    DtlsTrafficKey local;
    DtlsTrafficKey remote;
    DtlsRecordLayer::Numbering next;
    std::optional<DtlsLastFlight> last_flight;  // a server's
};

class DtlsSession {
  public:
    enum class State : std::uint8_t { kOpen, kClosed, kFailed };

    explicit DtlsSession(const DtlsHandover& handover)
        : layer_(handover.local, handover.remote, handover.next),
          last_flight_(handover.last_flight) {}

    // Protected records that came before the handshake was done: those that belong to it were heard
    // already, and are only noted as seen.
    void take_early(std::span<const std::byte> records, DtlsQueues& queues);
    // At most kDatagramBytesMax.
    void handle_datagram(std::span<const std::byte> datagram, DtlsQueues& queues);

    // False where the queue is full. At most kContentBytesMax.
    bool send(std::span<const std::byte> data, DtlsQueues& queues);
    // Sends close_notify.
    void close(DtlsQueues& queues);

    [[nodiscard]] State state() const { return state_; }

    // Records that were not authentic, seen before, too old, or not whole.
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

    static constexpr std::size_t kDatagramBytesMax = 2048;

  private:
    enum class Arrival : std::uint8_t { kEarly, kInTime };

    void handle_records(Arrival arrival, std::span<const std::byte> datagram, DtlsQueues& queues);
    void handle_alert(std::span<const std::byte> alert, DtlsQueues& queues);
    void handle_handshake(std::span<const std::byte> message, DtlsQueues& queues);
    bool send_record(DtlsContentType type, std::span<const std::byte> content, DtlsQueues& queues);
    void repeat_last_flight(DtlsQueues& queues);
    // Tells the peer why.
    void fail(std::uint8_t alert, DtlsQueues& queues);

    DtlsRecordLayer layer_;
    std::optional<DtlsLastFlight> last_flight_;
    std::uint8_t repeats_ = 0;
    std::uint8_t warnings_ = 0;  // in a row
    std::uint64_t refused_ = 0;
    State state_ = State::kOpen;
};

}  // namespace isthmus::media::transport
