// The agent's connection to its hub: made, made again after a jittered wait, authenticated by both
// sides, and JSON-RPC over it.
//
// On one io_context's thread. What the session decides is control-agent/channel's.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/http/connect_config.h"
#include "base/random.h"
#include "control-agent/channel/agent_session.h"
#include "control-agent/channel/json_rpc.h"
#include "control-agent/registration/node_identity.h"
#include "tools/agent/back_off.h"

namespace boost::asio {
class io_context;
}

namespace isthmus::agent {

class HubChannelUser {
  public:
    virtual ~HubChannelUser() = default;

    virtual void on_up(const channel::ChannelTerms& terms) = 0;
    // After on_up().
    virtual void on_down(const std::string& why) = 0;
    // An attempt that led to nothing. `security`: somebody may be in the hub's place.
    virtual void on_failed(const std::string& why, bool security) = 0;
    // The hub refuses, and says that the certificate must be renewed by HTTPS first; call
    // HubChannel::start() again then.
    virtual void on_renewal_wanted(const std::string& why) = 0;
    // The hub's requests. Answer with HubChannel::respond().
    virtual void on_request(channel::RpcRequest request) = 0;
};

struct HubChannelConfig {
    http::ConnectConfig connect;
    BackOffRules back_off;
    // From connecting to the welcome.
    Duration handshake_time = std::chrono::seconds(30);
    // After the hub said no: nothing changes there by asking every few seconds.
    BackOffRules back_off_refused = {.first_span = std::chrono::seconds(60),
                                     .longest_span = std::chrono::seconds(600)};
    channel::ProtocolRange protocols = channel::kProtocols;  // others: for tests
};

class HubChannel {
  public:
    using Answer =
        std::move_only_function<void(std::expected<boost::json::value, channel::RpcError>)>;

    // `identity`, `trust`, `random` and `user` outlive it; certificate and trust are looked at anew
    // for each attempt.
    [[nodiscard]] static Result<std::unique_ptr<HubChannel>> make(
        boost::asio::io_context& io,
        RandomSource& random,
        const registration::NodeIdentity& identity,
        channel::HubTrust& trust,
        const HubChannelConfig& config,
        HubChannelUser& user);
    ~HubChannel();
    HubChannel(const HubChannel&) = delete;
    HubChannel& operator=(const HubChannel&) = delete;

    // Connects now.
    void start();
    // Breaks the connection off; another is made after the usual wait.
    void drop(const std::string& why);

    [[nodiscard]] bool up() const;
    // What is wrong with the hub's TLS certificate; empty where it convinced.
    [[nodiscard]] const std::string& certificate_note() const;

    // Where the channel is down or goes down, `answer` gets kRpcUnavailable; never from within.
    void call(std::string_view method, const boost::json::value& params, Answer answer);
    void respond(const channel::RpcId& id,
                 const std::expected<boost::json::value, channel::RpcError>& result);

  private:
    struct State;
    explicit HubChannel(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// "https://hub:8443" -> "wss://hub:8443/v1/channel".
[[nodiscard]] std::string channel_url(const std::string& hub_url);

}  // namespace isthmus::agent
