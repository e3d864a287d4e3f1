// The node as a program that the agent has started, configures and asks.
//
// On one io_context's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>

#include "control-agent/configuration/configured_program.h"
#include "control-agent/supervisor/io/command.h"
#include "control-agent/supervisor/supervisor.h"
#include "tools/agent/agent_config.h"
#include "tools/agent/node_api.h"
#include "tools/agent/node_drain.h"

namespace isthmus::agent {

// Its name with supervisor and hub.
inline constexpr const char* kNodeName = "node";

[[nodiscard]] supervisor::ProgramSpec node_spec(const NodeSettings& settings);

// What the hub gave, with the agent's own key added: the text of the node's file. kInvalidArgument
// where it is no object.
[[nodiscard]] Result<std::string> node_configuration_text(const boost::json::value& configuration,
                                                          const std::string& agent_secret);

class NodeProgram final : public configuration::ConfiguredProgram {
  public:
    // All outlive it. `drain_note`: see NodeDrainConfig.
    NodeProgram(boost::asio::io_context& io,
                const NodeSettings& settings,
                std::filesystem::path drain_note,
                supervisor::Supervisor& supervisor,
                supervisor::Commands& commands,
                NodeApi& api)
        : settings_(settings),
          supervisor_(&supervisor),
          commands_(&commands),
          api_(&api),
          drain_(io, api, {.note = std::move(drain_note)}),
          timer_(io) {}

    // Somebody else decides on the node's maintenance from now on.
    void disown_maintenance() const { drain_.disown(); }

    // From the next step on.
    void use(const NodeSettings& settings) { settings_ = settings; }

    void check(const std::filesystem::path& file, Answer answer) override;
    void make_way(std::function<void(const std::string& what)> tell, Answer answer) override;
    void stay(std::string why) override;
    void reopen(Answer answer) override;
    void restart(Answer answer) override;
    void wait_until_healthy(Answer answer) override;

  private:
    void ask(int good_in_a_row);
    void finish_waiting(Result<void> result);
    void explain_and_fail();

    NodeSettings settings_;
    supervisor::Supervisor* supervisor_;
    supervisor::Commands* commands_;
    NodeApi* api_;
    NodeDrain drain_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer::time_point deadline_{};
    Answer waiting_;
    std::string last_error_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace isthmus::agent
