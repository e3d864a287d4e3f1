// One media worker: a thread, pinned to a core, with the sockets of one port and a WorkerCore.
//
// epoll rather than Asio: a wake-up reads whole batches from two or three descriptors, and nothing in
// it needs a handler object. post() may be called by any thread; everything else by the owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mailbox.h"
#include "media/transport/address.h"
#include "media/transport/srtp_fanout.h"
#include "media/worker/worker_core.h"

namespace isthmus::media {

struct WorkerThreadConfig {
    std::uint32_t index = 0;
    std::vector<transport::IpAddress> bind_addresses;
    std::uint16_t port = 0;  // 0: the kernel chooses, the same for UDP and TCP where it can
    bool ice_tcp = true;
    // What clients are told to send to; empty: the addresses of this machine. A port of 0 means the
    // worker's own.
    std::vector<transport::SocketAddress> advertised;
    bool advertise_loopback = false;
    int receive_buffer_bytes = 0;
    int send_buffer_bytes = 0;
    std::uint32_t tcp_connections = 2000;
    std::optional<std::uint32_t> cpu;  // core to stay on
    transport::SrtpEngine srtp_engine = transport::SrtpEngine::kAuto;
    std::shared_ptr<const transport::DtlsIdentity> identity;
    sfu::SfuLimits limits;
};

// Given to every job that runs on the worker's thread.
struct WorkerContext {
    WorkerCore& core;
    transport::DatagramSink& sink;
    Instant now;
};

class WorkerThread {
  public:
    using Job = Mailbox<WorkerContext>::Job;
    // Called on the worker's thread.
    using GoneListener = std::function<void(ConnectionGone)>;

    // Opens the sockets and starts the thread. The error names the address and port.
    [[nodiscard]] static Result<std::unique_ptr<WorkerThread>> start(WorkerThreadConfig config,
                                                                     GoneListener on_gone);
    ~WorkerThread();  // stops and joins
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;

    // False where the mailbox is full or the worker is stopping: the job was not taken.
    [[nodiscard]] bool post(Job job);

    [[nodiscard]] const std::vector<transport::IceCandidate>& candidates() const;
    [[nodiscard]] std::uint16_t port() const;
    // What an operator should know about the sockets: buffers smaller than asked for, and the like.
    [[nodiscard]] const std::vector<std::string>& warnings() const;

  private:
    struct State;
    explicit WorkerThread(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::media
