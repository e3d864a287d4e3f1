// One connector of ConnectorHost: its process, its connection, its configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/random.h"
#include "control-agent/connectors/connector_host.h"
#include "control-agent/connectors/io/connector_connection.h"
#include "control-agent/schema/schema.h"

namespace isthmus::connectors {

// What connectors share.
struct ConnectorSurroundings {
    boost::asio::io_context* io;
    const ConnectorHostConfig* config;
    supervisor::Supervisor* supervisor;
    RandomSource* random;
    HubCalls* calls;
    EventSink emit;
    bool ending = false;  // connectors are asked to end, and close their connections
};

class HostedConnector : public std::enable_shared_from_this<HostedConnector> {
  public:
    using Answer = ConnectorHost::Answer;

    // `around` outlives it.
    HostedConnector(ConnectorSurroundings& around,
                    std::string directory,
                    ConnectorManifest manifest,
                    schema::Schema schema,
                    ConnectorConfiguration configuration);

    void start(Answer answer);
    void stop(Answer answer);
    void configure(ConnectorConfiguration configuration, Answer answer);

    void on_program_event(const supervisor::ProgramEvent& event);
    // Its process connected.
    void accept(ConnectorConnection::Socket socket);

    // Of its process; 0 while there is none.
    [[nodiscard]] int pid() const { return pid_; }

    [[nodiscard]] std::string program_name() const {
        return connectors::program_name(manifest_.name);
    }

    [[nodiscard]] const ConnectorManifest& manifest() const { return manifest_; }

    [[nodiscard]] ConnectorStatus status() const;

  private:
    struct Pending {
        ConnectorConfiguration configuration;
        Answer answer;  // empty: nobody waits
    };

    [[nodiscard]] supervisor::ProgramSpec make_spec();
    // With a token of this start.
    [[nodiscard]] supervisor::Environment make_environment();
    void on_session_event(SessionEvent event);
    void handle(const ConnectorReady& ready);
    void handle(HealthTold& told);
    void handle(EventTold& told);
    void handle(HubCallAsked& asked);
    void handle(const LogTold& told) const;
    void handle(ConfigurationAnswered& answered);
    void handle(RequestDenied& denied) const;
    void handle(Violation& violation);
    void refuse(const std::string& sentence);
    void lose_process(const std::string& why);
    void give_configuration();
    void finish_pending(Result<void> result);
    void wait_for_connection();
    void drop_connection();

    ConnectorSurroundings* around_;
    std::string directory_;
    ConnectorManifest manifest_;
    schema::Schema schema_;
    std::optional<ConnectorConfiguration> configuration_;  // that it has after a restart
    std::uint64_t taken_version_ = 0;                      // that it took last
    std::optional<Pending> pending_;                       // that it is to take
    std::string token_;                                    // empty once it was used
    int pid_ = 0;
    std::shared_ptr<ConnectorConnection> connection_;
    boost::asio::steady_timer patience_;
    ConnectorHealth health_ = ConnectorHealth::kStarting;
    std::string detail_;
    std::uint64_t refused_ = 0;
};

}  // namespace isthmus::connectors
