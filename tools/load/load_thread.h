// One thread with its clients: an epoll loop over their sockets and their HTTP connections, on a
// core of its own.
//
// Clients are woken on a tick of a few milliseconds rather than by a timer each; publishers, whose
// frames have a pace, exactly. Public functions may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/mailbox.h"
#include "tools/load/client_sockets.h"
#include "tools/load/http_client.h"
#include "tools/load/load_options.h"
#include "tools/load/load_sample.h"
#include "tools/load/participant.h"

namespace isthmus::load {

struct LoadThreadConfig {
    LoadOptions options;
    int cpu = -1;
    HttpAuthority node;
    media::transport::SocketAddress node_address;  // of its HTTP server
    ClientSocketsConfig sockets;
    LayerRecordings recordings;
};

// Who is to join.
struct JoinOrder {
    ParticipantRole role = ParticipantRole::kViewer;
    std::string name;
    std::string target;  // "/whep/load"; unused by the LiveKit protocol
    std::string token;
};

class LoadThread {
  public:
    [[nodiscard]] static Result<std::unique_ptr<LoadThread>> start(LoadThreadConfig config);
    ~LoadThread();
    LoadThread(const LoadThread&) = delete;
    LoadThread& operator=(const LoadThread&) = delete;

    void join(JoinOrder order);
    // Histograms are since the call before.
    [[nodiscard]] LoadSample take_sample();
    // All clients say goodbye; the thread ends.
    void stop();

  private:
    class Loop;

    explicit LoadThread(std::unique_ptr<Loop> loop);

    void post(Mailbox<Loop>::Job job);

    std::unique_ptr<Loop> loop_;
    std::thread thread_;
};

}  // namespace isthmus::load
