// Runs the organisation's connectors: one process each, which speaks JSON-RPC 2.0 on the agent's
// Unix socket. docs/connectors.md is the contract.
//
// Only processes that it had started may speak, each once per start: the kernel says which process
// a connection is of (SO_PEERCRED), and its first message carries the token that only this start
// was given. What a connector may ask of the hub is in its manifest's permissions. Whoever breaks
// the contract is cut off, counted, told as an event and started again as the rules say. One
// thread, that of the io_context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/random.h"
#include "control-agent/connectors/connector_session.h"
#include "control-agent/connectors/manifest.h"
#include "control-agent/supervisor/supervisor.h"

namespace isthmus::connectors {

// What the supervisor calls a connector's program.
[[nodiscard]] std::string program_name(std::string_view connector);

struct ConnectorHostConfig {
    std::string socket_path;  // in a directory that only the agent and its connectors may enter
    std::string user;         // whom connectors run as; empty: as the agent
    ConnectorLimits limits;
    supervisor::RestartRules restart;
};

// What the agent does for connectors.
class HubCalls {
  public:
    using Answer = std::move_only_function<void(Result<boost::json::value>)>;

    virtual ~HubCalls() = default;
    // `method` is one that the connector's manifest has permission for.
    virtual void call(const std::string& connector,
                      const std::string& method,
                      boost::json::value params,
                      Answer answer) = 0;
};

struct ConnectorEvent {
    std::string connector;
    std::string kind;  // of the connector's choice ("user-synced"), or "connector.refused", ...
    boost::json::value body;
};

using EventSink = std::function<void(ConnectorEvent)>;

struct ConnectorStatus {
    std::string name;
    std::string version;
    ConnectorHealth health = ConnectorHealth::kStarting;
    std::string detail;               // its own sentence, or why it was refused
    std::uint64_t configuration = 0;  // version that it took last
    std::uint64_t refused = 0;        // messages and connections
};

struct ConnectorConfiguration {
    std::uint64_t version = 0;
    boost::json::value value;  // fits the manifest's schema
};

class ConnectorHost {
  public:
    using Answer = std::move_only_function<void(Result<void>)>;

    // `supervisor`, `random` and `calls` outlive it. Listens on the socket, or says what is in the
    // way.
    [[nodiscard]] static Result<std::unique_ptr<ConnectorHost>> start(
        boost::asio::io_context& io,
        ConnectorHostConfig config,
        supervisor::Supervisor& supervisor,
        RandomSource& random,
        HubCalls& calls,
        EventSink events);
    ~ConnectorHost();
    ConnectorHost(const ConnectorHost&) = delete;
    ConnectorHost& operator=(const ConnectorHost&) = delete;

    // Runs the connector whose manifest.json is in `directory`, with the configuration; answers
    // when it has taken it, or why not.
    void activate(const std::string& directory,
                  ConnectorConfiguration configuration,
                  Answer answer);
    // Stops it; answers when it is gone.
    void deactivate(std::string_view name, Answer answer);
    // Checks against the schema, then hands over; answers when the connector has taken it. On a
    // refusal the connector has the configuration that it had.
    void configure(std::string_view name, ConnectorConfiguration configuration, Answer answer);

    // The agent ends, and the supervisor with it: that connectors go is no fault of theirs.
    void expect_end();

    [[nodiscard]] std::vector<ConnectorStatus> status() const;
    [[nodiscard]] Result<ConnectorManifest> manifest(std::string_view name) const;

  private:
    struct State;
    explicit ConnectorHost(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  // handlers look whether it is still there
};

}  // namespace isthmus::connectors
