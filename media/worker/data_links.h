// Data channels of one worker's connections, as far as they are the worker's business: SCTP packets
// between DTLS and the data thread, and who has an association there.
//
// Sans-I/O. An association bears the number of its connection; it is opened when DTLS is up and
// closed with the connection. After every call drain take_work(). Leaves out SCTP itself and what
// is sent (media/data), which signaling hands to the data thread without coming by here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "media/data/data_stack.h"
#include "media/sfu/participant.h"
#include "media/worker/conference_event.h"

namespace isthmus::media {

// For the data thread, in this order.
struct DataWork {
    struct Opening {
        data::AssociationId id;
        data::StreamParity parity = data::StreamParity::kOdd;
        data::DataDescription description;
    };

    std::vector<Opening> opens;
    std::vector<data::SctpPacket> packets;
    std::vector<data::AssociationId> closes;

    [[nodiscard]] bool empty() const { return opens.empty() && packets.empty() && closes.empty(); }
};

class DataLinks {
  public:
    // What was negotiated, at first or later. An association that is open stays as it is.
    void describe(const sfu::Participant& participant,
                  const std::optional<data::DataDescription>& description);
    void on_connected(const sfu::Participant& participant);
    // A DTLS record of the client's.
    void on_packet(const sfu::Participant& participant, std::vector<std::byte> bytes);
    void on_ended(const sfu::Participant& participant);

    // What the data thread tells of a connection that is here still. Returns whether the connection
    // has to end: its client does not take what it was promised.
    bool on_event(data::AssociationEvent event, std::vector<ConferenceEvent>& events);

    // A packet of the data thread's was sent to its client.
    void on_packet_sent() { ++sent_; }

    void add_to(sfu::WorkerStats& stats) const;

    [[nodiscard]] DataWork take_work() { return std::exchange(work_, {}); }

  private:
    struct Link {
        data::DataDescription description;
        bool opened = false;
        std::vector<std::uint16_t> channels;  // that are open
    };

    void open(const sfu::Participant& participant, Link& link);

    boost::unordered_flat_map<std::uint64_t, Link> links_;  // by connection
    DataWork work_;
    std::uint64_t received_ = 0;  // packets
    std::uint64_t sent_ = 0;
    std::uint64_t messages_ = 0;  // received
    std::uint64_t failed_ = 0;
};

}  // namespace isthmus::media
