// Thousands of agents that keep to what a real one does: jittered back-off, a heartbeat every ten
// seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/random.h"
#include "benchmarks/hub/shared_dialler.h"
#include "tests/tools/hub/scripted_agent.h"

namespace isthmus::hub {

struct FleetCounters {
    std::size_t established = 0;  // now
    std::uint64_t heartbeats_answered = 0;
    std::uint64_t connections_lost = 0;
    std::uint64_t attempts_failed = 0;
};

class Fleet {
  public:
    // The first attempts are spread over `spread_s`, as are those after a loss over up to 15 s, the
    // agent's longest first wait.
    Fleet(boost::asio::io_context& io,
          SharedTls& tls,
          std::uint16_t port,
          std::vector<ScriptedIdentity> identities,
          int spread_s);
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    [[nodiscard]] const FleetCounters& counters() const { return counters_; }

    [[nodiscard]] std::size_t size() const { return members_.size(); }

  private:
    struct Member;

    void connect_later(Member& member, int longest_ms);
    void beat_later(Member& member);

    boost::asio::io_context* io_;
    SystemRandom random_;
    FleetCounters counters_;
    std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace isthmus::hub
