// All data channels of the node: SCTP associations by usrsctp, and DataChannels on each.
//
// One thread, told the time. After every call drain poll_packet() and poll_event(): events name the
// association they are of, and those of an association that has been closed do not come.
// Leaves out DTLS below and what the messages mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/error.h"
#include "base/time.h"
#include "media/data/data_channels.h"
#include "media/data/data_counters.h"
#include "media/data/data_description.h"
#include "media/data/data_event.h"
#include "media/data/data_limits.h"
#include "media/data/sctp_library.h"

namespace isthmus::media::data {

// At most kPacketBytesMax bytes, for one DTLS record.
struct SctpPacket {
    AssociationId association;
    std::vector<std::byte> bytes;
};

struct AssociationEvent {
    AssociationId association;
    DataEvent event;
};

class DataStack {
  public:
    // How exactly usrsctp's timers run; all of them are ten times as long at least.
    static constexpr Duration kTick = std::chrono::milliseconds(20);

    explicit DataStack(const DataLimits& limits);
    ~DataStack();
    DataStack(const DataStack&) = delete;
    DataStack& operator=(const DataStack&) = delete;

    // Once DTLS is up; both sides begin at once. kConflict where `id` is open already,
    // kLimitExceeded where there are too many, kUnavailable where usrsctp has no memory.
    [[nodiscard]] Result<void> open(Instant now,
                                    AssociationId id,
                                    StreamParity parity,
                                    const DataDescription& description);
    // The client is told by an ABORT, if it can still be reached.
    void close(AssociationId id);

    void handle_packet(Instant now, AssociationId id, std::span<const std::byte> packet);
    void send(AssociationId id, const DataMessage& message);
    void close_channel(AssociationId id, std::uint16_t channel);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] std::optional<SctpPacket> poll_packet();
    [[nodiscard]] std::optional<AssociationEvent> poll_event();

    [[nodiscard]] const DataCounters& counters() const { return counters_; }

  private:
    struct Association;

    [[nodiscard]] Association* find(AssociationId id);
    // Takes what came out of the association, and whatever follows from that.
    void settle(Instant now, Association& association);
    void take(Instant now, Association& association);
    void take_events_of(Association& association);
    void take_packets_of(Association& association);
    // The association is gone afterwards.
    void fail(Association& association, FailureReason reason);
    void erase(Association& association);
    void tick(Instant now);
    void fail_late_handshakes(Instant now);

    DataLimits limits_;
    DataCounters counters_;
    SctpLibrary library_;
    // By the socket's number.
    std::vector<std::unique_ptr<Association>> associations_;
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> numbers_;
    std::vector<AssociationId> connecting_;
    Instant ticked_at_{};
    Instant now_{};  // of the last call that told it
    std::deque<SctpPacket> packets_;
    std::deque<AssociationEvent> events_;
};

}  // namespace isthmus::media::data
