// The one thread that runs the data channels of all workers (usrsctp is one global).
//
// Reached by two mailboxes, so that a flood of packets never keeps an association from being opened
// or closed; what comes out is handed to the owner that each association names, once a turn. Every
// method may be called by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/error.h"
#include "media/data/data_counters.h"
#include "media/data/data_description.h"
#include "media/data/data_event.h"
#include "media/data/data_limits.h"
#include "media/data/data_stack.h"

namespace isthmus::media::data {

// For one owner, each in order.
struct DataOutput {
    std::vector<SctpPacket> packets;
    std::vector<AssociationEvent> events;
};

struct OutgoingMessage {
    AssociationId association;
    DataMessage message;
};

struct DataThreadCounters {
    DataCounters stack;
    double cpu_seconds = 0;
    std::size_t waiting_jobs = 0;           // for the thread, now
    std::size_t waiting_bytes = 0;          // of packets and messages among them
    std::uint64_t jobs_refused = 0;         // mailbox full
    std::uint64_t packets_undelivered = 0;  // an owner took no output
    std::uint64_t messages_undelivered = 0;
};

class DataThread {
  public:
    // On the data thread. Takes what is in `output` and returns true; or takes nothing and returns
    // false: the packets are lost then, and the events come again.
    using Sink = std::function<bool(std::uint32_t owner, DataOutput& output)>;

    // Packets and messages waiting for the thread.
    static constexpr std::size_t kTrafficJobsMax = 16'384;
    static constexpr std::size_t kTrafficBytesMax = 64UL * 1024 * 1024;
    // Opening, closing, asking: several for each association there may be.
    static constexpr std::size_t kControlJobsMax = 65'536;
    // Of one owner that takes nothing: above it messages are dropped, other events never are.
    static constexpr std::size_t kUndeliveredEventsMax = 65'536;

    [[nodiscard]] static Result<std::unique_ptr<DataThread>> start(const DataLimits& limits,
                                                                   Sink sink);
    ~DataThread();  // stops and joins
    DataThread(const DataThread&) = delete;
    DataThread& operator=(const DataThread&) = delete;

    // All return false where the thread is too busy: nothing was taken.

    // An association that cannot be opened fails with kRefused.
    [[nodiscard]] bool open(std::uint32_t owner,
                            AssociationId id,
                            StreamParity parity,
                            DataDescription description);
    [[nodiscard]] bool close(AssociationId id);
    [[nodiscard]] bool close_channel(AssociationId id, std::uint16_t channel);
    [[nodiscard]] bool handle_packets(std::vector<SctpPacket> packets);
    // To many at once, each with a channel of its own.
    [[nodiscard]] bool send(std::vector<OutgoingMessage> messages);

    // As of the end of the thread's last turn; what it told of in that turn is in them.
    [[nodiscard]] DataThreadCounters counters() const;

  private:
    class Loop;
    explicit DataThread(std::unique_ptr<Loop> loop);
    std::unique_ptr<Loop> loop_;
};

}  // namespace isthmus::media::data
