// What carries hints between instances. An interface, so that what the hub makes of them is tested
// without a server; isthmus-hub's is NATS (tools/hub/nats).
//
// It may lose, repeat and reorder, and says nothing of it: no state depends on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace isthmus::hub {

struct BusFigures {
    bool connected = false;
    std::uint64_t published = 0;
    std::uint64_t received = 0;
    std::uint64_t dropped = 0;  // outgoing while it was away, or more than was waited for
    std::uint64_t reconnects = 0;
};

class Bus {
  public:
    virtual ~Bus() = default;

    // To all other instances. Never waits. Network thread.
    virtual void publish(std::string payload) = 0;
    [[nodiscard]] virtual BusFigures figures() const = 0;
};

struct BusUser {
    // Runs what it is given on the network thread.
    std::function<void(std::move_only_function<void()>)> post;
    // What another instance published, or a stranger. Network thread.
    std::function<void(std::string_view payload)> on_payload;
};

// `instance` is for those who look at the bus.
using BusMaker =
    std::function<Result<std::unique_ptr<Bus>>(const std::string& instance, const BusUser& user)>;

}  // namespace isthmus::hub
