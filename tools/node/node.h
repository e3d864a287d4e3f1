// The node: media workers, signaling endpoints and the HTTP server, put together.
//
// The composition root; it decides nothing that a part could decide. Runs on the signaling thread,
// which is the one that runs the io_context. The media workers come from a factory, so that tests
// stand in for them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http/server.h"
#include "media/worker/data_stats.h"
#include "media/worker/switchboard.h"
#include "tools/node/node_config.h"

namespace isthmus::node {

// The media workers behind their switchboard.
struct MediaPlane {
    std::unique_ptr<media::Switchboard> switchboard;
    // Says goodbye to every participant and refuses new ones; answers when all goodbyes are sent.
    std::function<void(std::move_only_function<void()>)> shut_down;
    std::function<media::DataStats()> data_stats;  // may be empty
    std::vector<std::uint16_t> ports;              // one of each worker
    std::vector<std::string> warnings;  // what an operator should know, one sentence each
};

// Runs a task on the signaling thread, later. Any thread.
using TaskExecutor = std::function<void(std::move_only_function<void()>)>;
using MediaFactory = std::function<Result<MediaPlane>(const NodeConfig&, TaskExecutor)>;

struct NodeOptions {
    NodeConfig config;
};

[[nodiscard]] std::string_view version();

class Node {
  public:
    // Binds and starts everything, or says what is in the way. `io` outlives the node.
    [[nodiscard]] static Result<std::unique_ptr<Node>> start(boost::asio::io_context& io,
                                                             NodeOptions options,
                                                             const MediaFactory& make_media);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node();

    [[nodiscard]] std::vector<http::ServerListener> listeners() const;
    [[nodiscard]] const std::vector<std::uint16_t>& media_ports() const;
    // "GET /healthz" and so on, for the test that compares them with docs/openapi.yaml.
    [[nodiscard]] std::vector<std::string> routes() const;

    // Reads the HTTPS certificate again.
    void reload();

    // Takes nobody in any more, ends all sessions and calls `done` when that is through or
    // shutdown_grace has passed.
    void shut_down(std::move_only_function<void()> done);

  private:
    struct State;
    explicit Node(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::node
