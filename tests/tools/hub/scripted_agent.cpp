#include "tests/tools/hub/scripted_agent.h"

#include <chrono>
#include <utility>

#include <boost/json/object.hpp>

#include "base/http/web_socket_client.h"

namespace isthmus::hub {
namespace {

std::int64_t unix_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

class Dialler final : public ScriptedDialler {
  public:
    Dialler(boost::asio::io_context& io, const ScriptedIdentity& identity) : io_(&io) {
        config_.url = "wss" + identity.hub_url.substr(5) + "/v1/channel";
        config_.connect.authorities_file = identity.ca_file;
    }

    void dial(std::unique_ptr<http::WebSocketUser> user,
              std::function<void(const std::string& why)> failed) override {
        auto client = http::WebSocketClient::make(*io_, config_);
        if (!client) {
            failed(client.error().message);
            return;
        }
        client_ = std::move(*client);
        client_->connect(std::move(user),
                         [failed = std::move(failed)](const http::ConnectFault& fault) {
                             failed(fault.message);
                         });
    }

    void hang_up() override { client_.reset(); }

  private:
    boost::asio::io_context* io_;
    http::WebSocketClientConfig config_;
    std::unique_ptr<http::WebSocketClient> client_;
};

}  // namespace

std::unique_ptr<ScriptedDialler> make_dialler(boost::asio::io_context& io,
                                              const ScriptedIdentity& identity) {
    return std::make_unique<Dialler>(io, identity);
}

class ScriptedAgent::User final : public http::WebSocketUser {
  public:
    explicit User(ScriptedAgent& agent) : agent_(&agent) {}

    void on_open(http::WebSocketSink& sink) override { agent_->on_open(sink); }

    void on_message(bool /*binary*/, std::string_view payload) override {
        agent_->on_message(payload);
    }

    void on_close() override { agent_->on_close(); }

  private:
    ScriptedAgent* agent_;
};

ScriptedAgent::ScriptedAgent(std::unique_ptr<ScriptedDialler> dialler,
                             RandomSource& random,
                             ScriptedIdentity identity)
    : dialler_(std::move(dialler)),
      random_(&random),
      identity_(std::move(identity)),
      trust_(identity_.hub_fingerprints),
      gate_(trust_, identity_.node, 0) {}

ScriptedAgent::ScriptedAgent(boost::asio::io_context& io,
                             RandomSource& random,
                             const ScriptedIdentity& identity)
    : ScriptedAgent(make_dialler(io, identity), random, identity) {}

ScriptedAgent::~ScriptedAgent() = default;

void ScriptedAgent::connect() {
    closed_ = false;
    dialler_->dial(std::make_unique<User>(*this), [this](const std::string& why) {
        close_reason_ = why;
        on_close();
    });
}

void ScriptedAgent::disconnect() {
    dialler_->hang_up();
    sink_ = nullptr;
    established_ = false;
}

void ScriptedAgent::on_open(http::WebSocketSink& sink) {
    sink_ = &sink;
    session_ = std::make_unique<channel::AgentSession>(
        channel::AgentIdentity{
            .node = identity_.node, .certificate = identity_.certificate, .key = &*identity_.key},
        trust_,
        *random_,
        protocols);
}

void ScriptedAgent::on_message(std::string_view payload) {
    last_frame = payload;
    if (!session_->established()) {
        std::string text(payload);
        if (change_hello && text.contains("\"hello\"")) {
            text = change_hello(std::move(text));
        }
        const auto step = session_->handle_handshake(text);
        if (!step) {
            close_reason_ = step.error() == channel::ChannelFault::kRefused
                                ? session_->refusal().reason
                            : step.error() == channel::ChannelFault::kProtocolUnknown
                                ? session_->protocol_sentence()
                                : std::string(channel::to_string(step.error()));
            wants_renewal_ = session_->refusal().renew;
            sink_->close(http::kCloseNormal, "");
            return;
        }
        if (!step->empty()) {
            send_raw(change_handshake ? change_handshake(*step) : *step);
        }
        if (session_->established()) {
            established_ = true;
            gate_.set_clock_offset(session_->terms().hub_unix_s - unix_s());
            if (on_established) {
                on_established();
            }
        }
        return;
    }
    const auto message = session_->open(payload);
    if (!message) {
        close_reason_ = channel::to_string(message.error());
        sink_->close(http::kCloseNormal, "");
        return;
    }
    if (const auto rpc = channel::parse_rpc(*message)) {
        on_rpc(*rpc);
    }
}

void ScriptedAgent::on_close() {
    sink_ = nullptr;
    established_ = false;
    closed_ = true;
    if (on_closed) {
        on_closed();
    }
}

void ScriptedAgent::on_rpc(const channel::RpcMessage& message) {
    if (const auto* request = std::get_if<channel::RpcRequest>(&message)) {
        if (request->method == "command") {
            on_command(*request);
        }
        return;
    }
    const auto& response = std::get<channel::RpcResponse>(message);
    const auto* id = response.id ? std::get_if<std::int64_t>(&*response.id) : nullptr;
    const auto found = id != nullptr ? answers_.find(*id) : answers_.end();
    if (found != answers_.end()) {
        const Answer answer = std::move(found->second);
        answers_.erase(found);
        if (answer) {
            answer(response);
        }
    }
}

void ScriptedAgent::on_command(const channel::RpcRequest& request) {
    auto command = gate_.admit(unix_s(), request.params);
    if (!command) {
        refused_commands.push_back(command.error());
        send_raw(session_->seal(channel::write_rpc_error(
            request.id,
            {.code = channel::kRpcDenied,
             .message = std::string(channel::to_string(command.error()))})));
        return;
    }
    send_raw(session_->seal(channel::write_rpc_result(*request.id, boost::json::object())));
    if (answers_commands) {
        call("command.progress",
             {{"id", command->id},
              {"state", "succeeded"},
              {"percent", 100},
              {"message", "done"},
              {"result", {{"method", command->method}}}},
             {});
    }
    commands.push_back(std::move(*command));
}

void ScriptedAgent::call(std::string_view method, const boost::json::value& params, Answer answer) {
    const std::int64_t id = next_id_++;
    answers_.emplace(id, std::move(answer));
    send_raw(session_->seal(channel::write_rpc_call(id, method, params)));
}

void ScriptedAgent::notify(std::string_view method, const boost::json::value& params) {
    send_raw(session_->seal(channel::write_rpc_notification(method, params)));
}

void ScriptedAgent::send_raw(std::string text) {
    if (sink_ != nullptr) {
        sink_->send(false, std::make_shared<const std::string>(std::move(text)));
    }
}

}  // namespace isthmus::hub
