// Takes connectors' calls to the hub over the channel, few at a time: whoever asks for more at once
// waits here and not at the hub.
//
// One thread. What waits is bounded by what the contract lets each connector ask at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include <boost/json/value.hpp>

#include "control-agent/channel/json_rpc.h"
#include "control-agent/connectors/connector_host.h"

namespace isthmus::agent {

// What the hub takes of one node.
inline constexpr std::size_t kConnectorCallsMax = 4;

class ConnectorCalls final : public connectors::HubCalls {
  public:
    using Reply =
        std::move_only_function<void(std::expected<boost::json::value, channel::RpcError>)>;
    // Sends "connector.call"; answers later, once, whatever happens.
    using Send = std::function<void(const boost::json::value& params, Reply reply)>;
    // Which service a connector is of: the hub knows services, not the names in manifests.
    using ServiceOf = std::function<std::string(const std::string& connector)>;

    ConnectorCalls(Send send, ServiceOf service_of)
        : send_(std::move(send)), service_of_(std::move(service_of)) {}

    void call(const std::string& connector,
              const std::string& method,
              boost::json::value params,
              connectors::HubCalls::Answer answer) override;

  private:
    struct Waiting {
        boost::json::value params;
        connectors::HubCalls::Answer answer;
    };

    void send_next();

    Send send_;
    ServiceOf service_of_;
    std::deque<Waiting> waiting_;
    std::size_t under_way_ = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace isthmus::agent
