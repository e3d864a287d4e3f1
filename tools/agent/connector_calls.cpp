#include "tools/agent/connector_calls.h"

#include <utility>

#include <boost/json/object.hpp>

namespace isthmus::agent {
namespace {

namespace json = boost::json;

// The reverse of channel::rpc_code_of(): a connector is told what the hub said.
ErrorCode error_code_of(int rpc_code) {
    switch (rpc_code) {
        case channel::kRpcUnavailable:
            return ErrorCode::kUnavailable;
        case channel::kRpcDenied:
            return ErrorCode::kPermissionDenied;
        case channel::kRpcLimit:
            return ErrorCode::kLimitExceeded;
        case channel::kRpcInvalidParams:
        case channel::kRpcMethodNotFound:
            return ErrorCode::kInvalidArgument;
        default:
            return ErrorCode::kInternal;
    }
}

}  // namespace

void ConnectorCalls::call(const std::string& connector,
                          const std::string& method,
                          json::value params,
                          connectors::HubCalls::Answer answer) {
    waiting_.push_back({.params = json::object{{"service", service_of_(connector)},
                                               {"connector", connector},
                                               {"method", method},
                                               {"params", std::move(params)}},
                        .answer = std::move(answer)});
    send_next();
}

void ConnectorCalls::send_next() {
    if (waiting_.empty() || under_way_ == kConnectorCallsMax) {
        return;
    }
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    ++under_way_;
    send_(next.params,
          [this, alive = std::weak_ptr(alive_), answer = std::move(next.answer)](
              std::expected<json::value, channel::RpcError> reply) mutable {
              if (!alive.lock()) {
                  return;
              }
              --under_way_;
              if (reply) {
                  answer(std::move(*reply));
              } else {
                  answer(make_error(error_code_of(reply.error().code), reply.error().message));
              }
              send_next();
          });
}

}  // namespace isthmus::agent
