// Maintenance mode on this node: its timer, its switch on disk, and whom it concerns.
//
// The switch is a file in the state directory, so that a node that is started again while somebody
// works on the machine does not begin conferences. Signaling thread only.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "base/http/message.h"
#include "media/worker/switchboard.h"
#include "signaling/access/token.h"
#include "signaling/livekit/rooms.h"
#include "signaling/maintenance/maintenance.h"

namespace isthmus::node {

class MaintenanceService {
  public:
    // All outlive it.
    MaintenanceService(boost::asio::io_context& io,
                       const std::string& state_directory,
                       media::Switchboard& switchboard,
                       signaling::livekit::Rooms& rooms);
    ~MaintenanceService();
    MaintenanceService(const MaintenanceService&) = delete;
    MaintenanceService& operator=(const MaintenanceService&) = delete;

    void add_routes(http::Router& router, const signaling::access::ApiKeys& keys);
    void on_connection_gone();

    [[nodiscard]] signaling::maintenance::Mode mode() const;
    [[nodiscard]] std::uint64_t conferences_ended() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::node
