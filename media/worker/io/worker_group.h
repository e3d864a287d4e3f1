// What the workers of one node share: a door to each, the rings between them, and the thread of
// data channels.
//
// A door is a mailbox for jobs and a way to wake the worker's thread. Made before the threads start
// and kept until all have ended. Doors may be used by any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/mailbox.h"
#include "base/time.h"
#include "media/data/io/data_thread.h"
#include "media/relay/relay_rings.h"
#include "media/transport/datagram.h"
#include "media/transport/io/file_descriptor.h"
#include "media/worker/load_reading.h"

namespace isthmus::media {

class WorkerCore;
class WorkerSockets;

// Given to every job that runs on a worker's thread.
struct WorkerContext {
    WorkerCore& core;
    transport::DatagramSink& sink;
    const WorkerSockets& sockets;
    Instant now;
};

class WorkerDoor {
  public:
    using Job = Mailbox<WorkerContext>::Job;

    // Control jobs that may wait; a burst of joins fits, a stuck worker shows.
    static constexpr std::size_t kMailboxLimit = 4096;

    [[nodiscard]] static Result<std::unique_ptr<WorkerDoor>> open();

    // False where the mailbox is full or the worker is stopping: the job is the caller's still.
    [[nodiscard]] bool post(Job&& job);
    // Something was left for the worker elsewhere. Cheap where it is awake.
    void wake();
    // Refuses jobs from now on, and wakes.
    void close();

    // Jobs waiting now.
    [[nodiscard]] std::size_t jobs() const { return mailbox_.size(); }

    // What the worker measured last: written by its thread, read by any. The three figures may be
    // of two samples that follow each other.
    void publish_load(const LoadReading& reading);
    [[nodiscard]] LoadReading load() const;

    // Worker's thread: readable while the worker ought to be awake.
    [[nodiscard]] int fd() const { return wake_.get(); }

    // Worker's thread: from here on wake() makes fd() readable. Look for what was left afterwards,
    // then sleep.
    void before_sleep() { asleep_.exchange(true, std::memory_order_acq_rel); }

    // Worker's thread.
    void after_sleep();

    // Worker's thread.
    void run_jobs(WorkerContext& context) { mailbox_.drain(context); }

  private:
    explicit WorkerDoor(transport::FileDescriptor wake)
        : mailbox_(kMailboxLimit), wake_(std::move(wake)) {}

    void signal();

    Mailbox<WorkerContext> mailbox_;
    transport::FileDescriptor wake_;
    std::atomic<bool> asleep_ = false;
    std::atomic<double> cpu_share_ = 0;
    std::atomic<double> packets_per_second_ = 0;
    std::atomic<double> loading_ = 0;
};

struct WorkerGroup {
    // Also starts the data thread.
    // One door per worker.
    [[nodiscard]] static Result<std::shared_ptr<WorkerGroup>> make(std::size_t workers);

    std::vector<std::unique_ptr<WorkerDoor>> doors;
    relay::RelayRings rings;
    std::unique_ptr<data::DataThread> data;  // ends first: it uses the doors
};

}  // namespace isthmus::media
