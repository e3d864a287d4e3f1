#include "tools/agent/hub_channel.h"

#include <map>
#include <memory>
#include <utility>
#include <variant>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/http/web_socket_client.h"
#include "base/log.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;
using channel::ChannelFault;
using channel::RpcError;

constexpr std::size_t kCallsMax = 1000;

// Somebody on the way, or in the hub's place; the rest is a peer that is broken or far away.
bool is_security(ChannelFault fault) {
    return fault == ChannelFault::kBadSignature || fault == ChannelFault::kUntrustedHub ||
           fault == ChannelFault::kNonceMismatch || fault == ChannelFault::kWeakKey ||
           fault == ChannelFault::kBadTag || fault == ChannelFault::kBadCounter;
}

RpcError unavailable(const std::string& why) {
    return {.code = channel::kRpcUnavailable, .message = why, .data = nullptr};
}

}  // namespace

struct HubChannel::State {
    class End;  // one connection's user

    State(boost::asio::io_context& io_in,
          RandomSource& random_in,
          const registration::NodeIdentity& identity_in,
          channel::HubTrust& trust_in,
          const HubChannelConfig& config_in,
          HubChannelUser& user_in)
        : io(&io_in),
          random(&random_in),
          identity(&identity_in),
          trust(&trust_in),
          config(config_in),
          user(&user_in),
          back_off(config_in.back_off),
          back_off_refused(config_in.back_off_refused),
          timer(io_in) {}

    boost::asio::io_context* io;
    RandomSource* random;
    const registration::NodeIdentity* identity;
    channel::HubTrust* trust;
    HubChannelConfig config;
    HubChannelUser* user;
    std::string certificate_note;
    std::unique_ptr<http::WebSocketClient> client;
    BackOff back_off;
    BackOff back_off_refused;
    boost::asio::steady_timer timer;  // for the next attempt, or the handshake's end
    std::uint64_t waits = 0;          // a timer that has fired cannot be cancelled any more
    std::unique_ptr<channel::AgentSession> session;
    http::WebSocketSink* sink = nullptr;
    bool up = false;
    std::int64_t next_call = 1;
    std::map<std::int64_t, Answer> calls;

    void connect();
    void on_open(http::WebSocketSink& opened);
    void on_frame(std::string_view text);
    void on_handshake(std::string_view text);
    void on_message(const std::string& text);
    void on_fault(ChannelFault fault);
    void on_refused();
    // The connection is over, or must be: the next one follows.
    void over(const std::string& why, bool security, BackOff& waiting);
    void fail_calls(const std::string& why);
    void wait(Duration time, void (State::*then)());
    void cancel_wait();

    void handshake_took_too_long() { over("the hub did not answer in time", false, back_off); }

    void send(std::string text) const;
};

class HubChannel::State::End final : public http::WebSocketUser {
  public:
    explicit End(State& state) : state_(&state) {}

    void on_open(http::WebSocketSink& sink) override { state_->on_open(sink); }

    void on_message(bool /*binary*/, std::string_view payload) override {
        state_->on_frame(payload);
    }

    void on_close() override {
        state_->sink = nullptr;
        state_->over("the connection ended", false, state_->back_off);
    }

  private:
    State* state_;
};

void HubChannel::State::wait(Duration time, void (State::*then)()) {
    timer.expires_after(time);
    timer.async_wait([this, then, number = ++waits](const boost::system::error_code& error) {
        if (!error && number == waits) {
            (this->*then)();
        }
    });
}

void HubChannel::State::cancel_wait() {
    ++waits;
    timer.cancel();
}

void HubChannel::State::connect() {
    certificate_note.clear();
    client->connect(std::make_unique<End>(*this), [this](const http::ConnectFault& fault) {
        over(fault.message, false, back_off);
    });
    wait(config.handshake_time, &State::handshake_took_too_long);
}

void HubChannel::State::on_open(http::WebSocketSink& opened) {
    sink = &opened;
    session = std::make_unique<channel::AgentSession>(
        channel::AgentIdentity{
            .node = identity->node, .certificate = identity->certificate, .key = &identity->key},
        *trust,
        *random,
        config.protocols);
}

void HubChannel::State::on_frame(std::string_view text) {
    if (!session) {
        return;
    }
    if (!session->established()) {
        on_handshake(text);
        return;
    }
    const auto message = session->open(text);
    if (!message) {
        on_fault(message.error());
        return;
    }
    on_message(*message);
}

void HubChannel::State::on_handshake(std::string_view text) {
    const auto reply = session->handle_handshake(text);
    if (!reply) {
        if (reply.error() == ChannelFault::kRefused) {
            on_refused();
        } else {
            on_fault(reply.error());
        }
        return;
    }
    if (!reply->empty()) {
        send(*reply);
    }
    if (session->established()) {
        cancel_wait();
        back_off.succeeded();
        back_off_refused.succeeded();
        up = true;
        user->on_up(session->terms());
    }
}

void HubChannel::State::on_message(const std::string& text) {
    auto message = channel::parse_rpc(text);
    if (!message) {
        send(session->seal(channel::write_rpc_fault(message.error())));
        return;
    }
    if (auto* const request = std::get_if<channel::RpcRequest>(&*message)) {
        user->on_request(std::move(*request));
        return;
    }
    auto& response = std::get<channel::RpcResponse>(*message);
    const auto* const id = response.id ? std::get_if<std::int64_t>(&*response.id) : nullptr;
    const auto waiting = id != nullptr ? calls.find(*id) : calls.end();
    if (waiting != calls.end()) {
        Answer answer = std::move(waiting->second);
        calls.erase(waiting);
        answer(std::move(response.result));
    }
}

void HubChannel::State::on_fault(ChannelFault fault) {
    if (fault == ChannelFault::kProtocolUnknown && session) {
        // One side has to be upgraded first.
        const std::string why = session->protocol_sentence();
        over(why, false, back_off_refused);
        return;
    }
    over(std::string(channel::to_string(fault)), is_security(fault), back_off);
}

void HubChannel::State::on_refused() {
    const channel::ChannelRefusal refusal = session->refusal();
    if (!refusal.renew) {
        over("the hub refuses this node: " + refusal.reason, false, back_off_refused);
        return;
    }
    session.reset();
    sink = nullptr;
    client->disconnect();
    cancel_wait();
    user->on_renewal_wanted(refusal.reason);
}

void HubChannel::State::over(const std::string& why, bool security, BackOff& waiting) {
    sink = nullptr;
    session.reset();
    client->disconnect();
    const bool was_up = std::exchange(up, false);
    const Duration pause = waiting.next(*random);
    wait(pause, &State::connect);
    log::debug("channel",
               "{}; next attempt in {} ms",
               why,
               std::chrono::duration_cast<std::chrono::milliseconds>(pause).count());
    fail_calls(why);
    if (was_up && !security) {
        user->on_down(why);
    } else {
        if (was_up) {
            user->on_down(why);
        }
        user->on_failed(why, security);
    }
}

void HubChannel::State::fail_calls(const std::string& why) {
    // An answer may lead to new calls, which fail at once.
    for (auto& [id, answer] : std::exchange(calls, {})) {
        answer(std::unexpected(unavailable(why)));
    }
}

void HubChannel::State::send(std::string text) const {
    if (sink != nullptr) {
        sink->send(false, std::make_shared<const std::string>(std::move(text)));
    }
}

// Each of them is another part of the agent.
// NOLINTNEXTLINE(readability-function-size): six parameters
Result<std::unique_ptr<HubChannel>> HubChannel::make(boost::asio::io_context& io,
                                                     RandomSource& random,
                                                     const registration::NodeIdentity& identity,
                                                     channel::HubTrust& trust,
                                                     const HubChannelConfig& config,
                                                     HubChannelUser& user) {
    auto state = std::make_unique<State>(io, random, identity, trust, config, user);
    http::WebSocketClientConfig client{.url = channel_url(identity.hub_url),
                                       .headers = {{"User-Agent", "isthmus-agent"}},
                                       .time = config.handshake_time,
                                       .connect = config.connect};
    client.limits.message_bytes = channel::kFrameBytesMax;
    // Heartbeats say earlier whether the hub is there; pings are for those that are missing.
    client.limits.idle_time = std::chrono::seconds(60);
    client.connect.accept_certificate = [owner = state.get()](const std::string& what) {
        owner->certificate_note = what;
        return true;
    };
    auto made = http::WebSocketClient::make(io, client);
    if (!made) {
        return std::unexpected(made.error());
    }
    state->client = std::move(*made);
    return std::unique_ptr<HubChannel>(
        new HubChannel(std::move(state)));  // NOLINT(*-owning-memory): private
}

HubChannel::HubChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}

HubChannel::~HubChannel() = default;

void HubChannel::start() {
    state_->connect();
}

void HubChannel::drop(const std::string& why) {
    if (state_->session) {
        state_->over(why, false, state_->back_off);
    }
}

bool HubChannel::up() const {
    return state_->up;
}

const std::string& HubChannel::certificate_note() const {
    return state_->certificate_note;
}

void HubChannel::call(std::string_view method, const json::value& params, Answer answer) {
    if (!state_->up || state_->calls.size() >= kCallsMax) {
        boost::asio::post(*state_->io, [answer = std::move(answer)]() mutable {
            answer(std::unexpected(unavailable("there is no connection to the hub")));
        });
        return;
    }
    const std::int64_t id = state_->next_call++;
    state_->calls.emplace(id, std::move(answer));
    state_->send(state_->session->seal(channel::write_rpc_call(id, method, params)));
}

void HubChannel::respond(const channel::RpcId& id,
                         const std::expected<json::value, RpcError>& result) {
    if (state_->up) {
        state_->send(state_->session->seal(result ? channel::write_rpc_result(id, *result)
                                                  : channel::write_rpc_error(id, result.error())));
    }
}

std::string channel_url(const std::string& hub_url) {
    std::string url = hub_url;
    if (url.starts_with("https://")) {
        url.replace(0, 5, "wss");
    }
    while (url.ends_with('/')) {
        url.pop_back();
    }
    return url + "/v1/channel";
}

}  // namespace isthmus::agent
