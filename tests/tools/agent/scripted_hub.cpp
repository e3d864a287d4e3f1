#include "tests/tools/agent/scripted_hub.h"

#include <optional>
#include <utility>
#include <variant>

#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "base/http/web_socket.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::int64_t kHubTime = 1'800'000'000;

std::string text_of(const channel::RpcMessage& message) {
    if (const auto* const request = std::get_if<channel::RpcRequest>(&message)) {
        return request->method + " " + json::serialize(request->params);
    }
    const auto& response = std::get<channel::RpcResponse>(message);
    return response.result ? "result " + json::serialize(*response.result)
                           : "error " + response.result.error().message;
}

}  // namespace

struct ScriptedHub::Shared {
    SystemRandom random;
    Change change;
    channel::ProtocolRange protocols;
    channel::SigningKey node_key = channel::SigningKey::generate(random);
    channel::HubIdentity identity = make_identity(random);
    std::optional<std::pair<std::string, bool>> refusal;
    End* newest = nullptr;
    std::vector<std::string> heard;

    static channel::HubIdentity make_identity(RandomSource& random) {
        channel::HubIdentity made{
            .key = channel::SigningKey::generate(random), .links = {}, .heartbeat_s = 5};
        made.links = {{.key = made.key.public_key(), .signature = {}}};
        return made;
    }
};

class ScriptedHub::End final : public http::WebSocketUser {
  public:
    explicit End(std::shared_ptr<Shared> shared)
        : shared_(std::move(shared)),
          session_(shared_->identity, kHubTime, shared_->random, shared_->protocols) {}

    void on_open(http::WebSocketSink& sink) override {
        sink_ = &sink;
        shared_->newest = this;
        send_handshake(session_.hello());
    }

    void on_message(bool /*binary*/, std::string_view payload) override {
        if (!session_.established()) {
            authenticate(payload);
            return;
        }
        const auto text = session_.open(payload);
        const auto message =
            text ? channel::parse_rpc(*text) : std::unexpected(channel::RpcFault::kNotRpc);
        if (!message) {
            shared_->heard.emplace_back("broken");
            return;
        }
        shared_->heard.push_back(text_of(*message));
        const auto* const request = std::get_if<channel::RpcRequest>(&*message);
        if (request != nullptr && request->id) {
            send(session_.seal(
                channel::write_rpc_result(*request->id, json::object{{"echo", request->params}})));
        }
    }

    void on_close() override {
        if (shared_->newest == this) {
            shared_->newest = nullptr;
        }
        sink_ = nullptr;
    }

    void ask(const std::string& method, const json::value& params) {
        send(session_.seal(channel::write_rpc_call(1, method, params)));
    }

    void hang_up() { sink_->close(http::kCloseGoingAway, ""); }

  private:
    void authenticate(std::string_view payload) {
        const auto claim = session_.handle_authenticate(payload);
        if (!claim) {
            shared_->heard.push_back("fault " + std::string(channel::to_string(claim.error())));
            sink_->close(http::kCloseNormal, "");
            return;
        }
        if (shared_->refusal) {
            send_handshake(session_.refuse(shared_->refusal->first, shared_->refusal->second));
            return;
        }
        const auto welcome = session_.accept(shared_->node_key.public_key());
        if (!welcome) {
            shared_->heard.emplace_back("not welcome");
            sink_->close(http::kCloseNormal, "");
            return;
        }
        send_handshake(*welcome);
    }

    void send_handshake(std::string text) {
        const int frame = frames_++;
        send(shared_->change ? shared_->change(frame, std::move(text)) : std::move(text));
    }

    void send(std::string text) {
        if (sink_ != nullptr) {
            sink_->send(false, std::make_shared<const std::string>(std::move(text)));
        }
    }

    std::shared_ptr<Shared> shared_;
    channel::HubSession session_;
    http::WebSocketSink* sink_ = nullptr;
    int frames_ = 0;
};

ScriptedHub::ScriptedHub(Change change, const channel::ProtocolRange& protocols)
    : shared_(std::make_shared<Shared>()) {
    shared_->change = std::move(change);
    shared_->protocols = protocols;
    http::ServerConfig config = http::loopback_config();
    config.limits.web_socket.message_bytes = channel::kFrameBytesMax;
    server_ = std::make_unique<http::RunningServer>(
        std::move(config), [shared = shared_](http::Router& router) {
            router.add_web_socket(
                "/v1/channel",
                [shared](const http::Request& /*request*/)
                    -> std::expected<std::unique_ptr<http::WebSocketUser>, http::Response> {
                    return std::make_unique<End>(shared);
                });
        });
}

ScriptedHub::~ScriptedHub() = default;

registration::NodeIdentity ScriptedHub::identity() {
    return {.hub_url = "ws://127.0.0.1:" + std::to_string(server_->port()),
            .node = "node-1",
            .certificate = "a certificate",
            .hub_fingerprints = {shared_->identity.key.public_key().fingerprint()},
            .key = shared_->node_key,
            .sealing_key = channel::ExchangeKey::generate(shared_->random)};
}

void ScriptedHub::refuse(std::string reason, bool renew) {
    server_->on_server([&] { shared_->refusal = {std::move(reason), renew}; });
}

void ScriptedHub::send(const std::string& method, const json::value& params) {
    server_->on_server([&] {
        CHECK(shared_->newest != nullptr);
        shared_->newest->ask(method, params);
    });
}

void ScriptedHub::hang_up() {
    server_->on_server([&] {
        if (shared_->newest != nullptr) {
            shared_->newest->hang_up();
        }
    });
}

std::vector<std::string> ScriptedHub::heard() {
    std::vector<std::string> copy;
    server_->on_server([&] { copy = shared_->heard; });
    return copy;
}

}  // namespace isthmus::agent
