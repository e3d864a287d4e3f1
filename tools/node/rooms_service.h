// The LiveKit protocol's rooms on this node: put together from the configuration, and driven by a
// timer of the signaling thread.
#pragma once

#include <memory>

#include "base/http/message.h"
#include "base/random.h"
#include "media/worker/switchboard.h"
#include "tools/node/node_config.h"

namespace boost::asio {
class io_context;
}

namespace isthmus::signaling::livekit {
class Rooms;
}

namespace isthmus::node {

class RoomsService {
  public:
    // All outlive it.
    RoomsService(boost::asio::io_context& io,
                 const NodeConfig& config,
                 media::Switchboard& switchboard,
                 RandomSource& random);
    ~RoomsService();
    RoomsService(const RoomsService&) = delete;
    RoomsService& operator=(const RoomsService&) = delete;

    void add_routes(http::Router& router);
    [[nodiscard]] signaling::livekit::Rooms& rooms();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::node
