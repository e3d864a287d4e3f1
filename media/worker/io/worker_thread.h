// One media worker: a thread, on a core of its own where asked, with the sockets of one port and a
// WorkerCore.
//
// epoll rather than Asio: a wake-up reads whole batches from two or three descriptors, and nothing
// in it needs a handler object. post() may be called by any thread; everything else by the owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "media/sfu/limits.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"
#include "media/transport/srtp_fanout.h"
#include "media/worker/io/worker_group.h"
#include "media/worker/io/worker_sockets.h"
#include "media/worker/worker_core.h"

namespace isthmus::media {

struct WorkerThreadConfig {
    std::uint32_t index = 0;
    WorkerSocketsConfig sockets;
    std::optional<std::uint32_t> cpu;  // core to stay on
    transport::SrtpEngine srtp_engine = transport::SrtpEngine::kAuto;
    std::shared_ptr<const transport::DtlsIdentity> identity;
    sfu::SfuLimits limits;
};

// Called on the worker's thread. Of one connection, events come first.
struct WorkerListeners {
    std::function<void(std::vector<ConferenceEvent>)> on_events;
    std::function<void(ConnectionGone)> on_gone;
};

class WorkerThread {
  public:
    using Job = WorkerDoor::Job;

    // Opens the sockets and starts the thread, which takes the door that `config.index` names. The
    // error names the address and port.
    [[nodiscard]] static Result<std::unique_ptr<WorkerThread>> start(
        const WorkerThreadConfig& config,
        std::shared_ptr<WorkerGroup> group,
        WorkerListeners listeners);
    ~WorkerThread();  // stops and joins
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;

    // False where the mailbox is full or the worker is stopping: the job was not taken.
    [[nodiscard]] bool post(Job job);

    // Jobs waiting now. Any thread.
    [[nodiscard]] std::size_t jobs() const;
    // As measured last. Any thread.
    [[nodiscard]] LoadReading load() const;
    [[nodiscard]] std::uint16_t port() const;
    // What an operator should know about the sockets: buffers smaller than asked for, and the like.
    [[nodiscard]] const std::vector<std::string>& warnings() const;

  private:
    class Loop;
    explicit WorkerThread(std::unique_ptr<Loop> loop);
    std::unique_ptr<Loop> loop_;
};

// What the worker's thread has used of its CPU, seconds. On that thread only.
[[nodiscard]] double thread_cpu_seconds();

}  // namespace isthmus::media
