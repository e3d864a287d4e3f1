// isthmus-hub: everything put together. Network thread; the database and password hashes have a
// thread each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http/server.h"
#include "tools/hub/channels/node_channels.h"
#include "tools/hub/hub_options.h"

namespace boost::asio {
class io_context;
}

namespace isthmus::hub {

// The first administrator, told once.
struct FirstAdministrator {
    std::string name;
    std::string password;
};

class Hub {
  public:
    [[nodiscard]] static Result<std::unique_ptr<Hub>> start(boost::asio::io_context& io,
                                                            HubOptions options);
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    // Nobody's, where the database had people already.
    [[nodiscard]] const FirstAdministrator& first_administrator() const;
    [[nodiscard]] std::vector<http::ServerListener> listeners() const;
    [[nodiscard]] const std::string& url() const;
    [[nodiscard]] const ChannelCounters& channel_counters() const;

    // Closes what is open, then calls `done`, never from within the call.
    void stop(std::move_only_function<void()> done);

  private:
    struct State;
    explicit Hub(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::hub
