// A node's side of the channel as tests and the benchmark drive it: real handshakes and frames over
// a real WebSocket, and no agent behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include "base/http/web_socket.h"
#include "base/random.h"
#include "control-agent/channel/agent_session.h"
#include "control-agent/channel/command.h"
#include "control-agent/channel/json_rpc.h"

namespace isthmus::hub {

struct ScriptedIdentity {
    std::string hub_url;  // "https://..."
    std::string ca_file;
    std::string node;
    std::string certificate;
    std::vector<channel::Bytes> hub_fingerprints;
    std::optional<channel::SigningKey> key;
    std::optional<channel::ExchangeKey> sealing_key;
};

// How an agent reaches its hub. The connection it opens is the one before's end.
class ScriptedDialler {
  public:
    virtual ~ScriptedDialler() = default;
    virtual void dial(std::unique_ptr<http::WebSocketUser> user,
                      std::function<void(const std::string& why)> failed) = 0;
    virtual void hang_up() = 0;
};

// As a real agent does.
[[nodiscard]] std::unique_ptr<ScriptedDialler> make_dialler(boost::asio::io_context& io,
                                                            const ScriptedIdentity& identity);

class ScriptedAgent {
  public:
    using Answer = std::function<void(const channel::RpcResponse&)>;

    ScriptedAgent(std::unique_ptr<ScriptedDialler> dialler,
                  RandomSource& random,
                  ScriptedIdentity identity);
    ScriptedAgent(boost::asio::io_context& io,
                  RandomSource& random,
                  const ScriptedIdentity& identity);
    ~ScriptedAgent();
    ScriptedAgent(const ScriptedAgent&) = delete;
    ScriptedAgent& operator=(const ScriptedAgent&) = delete;

    void connect();
    void disconnect();

    // Only where established().
    void call(std::string_view method, const boost::json::value& params, Answer answer);
    void notify(std::string_view method, const boost::json::value& params);
    // Bytes as they are, for those who do not keep to the rules.
    void send_raw(std::string text);

    [[nodiscard]] bool established() const { return established_; }

    [[nodiscard]] bool closed() const { return closed_; }

    [[nodiscard]] const std::string& close_reason() const { return close_reason_; }

    // Only where established().
    [[nodiscard]] std::int64_t protocol() const { return session_->protocol(); }

    // The hub's refusal said so.
    [[nodiscard]] bool wants_renewal() const { return wants_renewal_; }

    [[nodiscard]] ScriptedIdentity& identity() { return identity_; }

    [[nodiscard]] channel::HubTrust& trust() { return trust_; }

    // Commands that passed the gate, and those that did not.
    std::vector<channel::Command> commands{};
    std::vector<channel::CommandFault> refused_commands{};
    bool answers_commands = true;  // with "succeeded"
    channel::ProtocolRange protocols = channel::kProtocols;
    // What somebody on the way makes of the hub's hello, and of the answer to it.
    std::function<std::string(std::string)> change_hello{};
    std::function<std::string(std::string)> change_handshake{};
    std::function<void()> on_established{};
    std::function<void()> on_closed{};
    std::string last_frame{};  // as it came

  private:
    class User;

    void on_open(http::WebSocketSink& sink);
    void on_message(std::string_view payload);
    void on_close();
    void on_rpc(const channel::RpcMessage& message);
    void on_command(const channel::RpcRequest& request);

    std::unique_ptr<ScriptedDialler> dialler_;
    RandomSource* random_;
    ScriptedIdentity identity_;
    channel::HubTrust trust_;
    channel::CommandGate gate_;
    http::WebSocketSink* sink_ = nullptr;
    std::unique_ptr<channel::AgentSession> session_;
    bool established_ = false;
    bool wants_renewal_ = false;
    bool closed_ = false;
    std::string close_reason_;
    std::int64_t next_id_ = 1;
    std::unordered_map<std::int64_t, Answer> answers_;
};

}  // namespace isthmus::hub
