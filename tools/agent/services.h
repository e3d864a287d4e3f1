// The services that the hub has activated on this machine: each is a connector, which the agent
// runs, configures and, after a restart, runs again.
//
// On one io_context's thread. What is active is on disk, secrets in it sealed as they came.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/random.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/connectors/connector_host.h"
#include "control-agent/supervisor/supervisor.h"

namespace isthmus::agent {

struct ServicesConfig {
    std::filesystem::path state_file;
    std::string socket_path;
    std::string packages_directory;  // each package in a folder of its name
    std::string user;
};

class Services {
  public:
    using Answer = std::move_only_function<void(Result<void>)>;

    // All outlive it.
    [[nodiscard]] static Result<std::unique_ptr<Services>> start(
        boost::asio::io_context& io,
        const ServicesConfig& config,
        const channel::ExchangeKey& sealing_key,
        supervisor::Supervisor& supervisor,
        RandomSource& random,
        connectors::HubCalls& calls,
        connectors::EventSink events);

    // The agent ends.
    void expect_end() { host_->expect_end(); }

    // Runs again what was active.
    void resume();

    // An active service gets the configuration; one of another package is changed for it.
    void activate(const std::string& name,
                  const std::string& package,
                  const boost::json::value& configuration,
                  Answer answer);
    void deactivate(const std::string& name, Answer answer);
    void configure(const std::string& name,
                   std::uint64_t version,
                   const boost::json::value& configuration,
                   Answer answer);

    [[nodiscard]] bool has(std::string_view name) const { return active_.contains(name); }

    // Which service the connector is of; empty where none of ours is.
    [[nodiscard]] std::string service_of(std::string_view connector) const;

    // What the supervisor calls the connector of a service, or the connector of that name; else
    // what was given.
    [[nodiscard]] std::string program_of(const std::string& name) const;

    // [{"name","package","version","state","detail","configuration"}]
    [[nodiscard]] boost::json::array describe() const;

  private:
    struct Active {
        std::string package;
        std::string connector;  // its name in the manifest
        std::uint64_t version = 0;
        boost::json::value configuration;  // as it came
    };

    struct Start {
        std::string connector;
        std::string directory;
        connectors::ConnectorConfiguration configuration;
    };

    Services(const ServicesConfig& config, const channel::ExchangeKey& sealing_key)
        : config_(config), sealing_key_(&sealing_key) {}

    [[nodiscard]] Result<void> load();
    [[nodiscard]] Result<void> save() const;
    void run(const std::string& name, Active wanted, Answer answer);
    void start_connector(Start start, bool is_new, Answer answer);
    void replace(const std::string& name, Start start, Answer answer);

    ServicesConfig config_;
    const channel::ExchangeKey* sealing_key_;
    std::unique_ptr<connectors::ConnectorHost> host_;
    std::map<std::string, Active, std::less<>> active_;
    std::map<std::string, std::string, std::less<>> service_of_;  // by connector
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace isthmus::agent
