// A bus between hubs of one test, all in its thread. What was published arrives when the test's
// loop runs, at everybody but the one who said it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/hub/instances/bus.h"

namespace isthmus::hub {

class LocalBus {
  public:
    [[nodiscard]] BusMaker maker();

    // As a stranger who may publish would.
    void publish(const std::string& payload) { deliver(0, payload); }

    bool connected = true;  // else everything is lost
    std::vector<std::string> published{};

  private:
    class End;

    void deliver(std::uint64_t from, const std::string& payload);
    // Who has left meanwhile gets nothing.
    void hand_over(std::uint64_t to, const std::string& payload);

    std::uint64_t next_ = 1;
    std::map<std::uint64_t, BusUser> users_;
};

}  // namespace isthmus::hub
