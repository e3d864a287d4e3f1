// isthmus-agent as it runs: the channel to the hub, and what goes over it.
//
// On one io_context's thread.
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "control-agent/registration/node_identity.h"
#include "tools/agent/agent_config.h"

namespace boost::asio {
class io_context;
}

namespace isthmus::agent {

class Agent {
  public:
    // Takes over what an agent before left, and connects. kConflict where another agent runs with
    // the same state.
    [[nodiscard]] static Result<std::unique_ptr<Agent>> start(boost::asio::io_context& io,
                                                              AgentConfig config,
                                                              registration::NodeIdentity identity);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Programs that outlive the agent go on; `done` when the others have ended.
    void stop(std::move_only_function<void()> done);

  private:
    struct Parts;
    explicit Agent(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace isthmus::agent
