#include "base/http/web_socket_client.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/http/client_target.h"
#include "base/http/dialer.h"
#include "base/http/web_socket_peer.h"

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

// One attempt, and the connection that it became. Its coroutine keeps it alive; `client_there` is
// false once the client has let go of it.
struct Attempt {
    Attempt(const asio::any_io_executor& executor,
            WebSocketClientConfig config_in,
            ClientTarget target_in,
            std::shared_ptr<Dialer> dialer_in)
        : line(executor),
          config(std::move(config_in)),
          target(std::move(target_in)),
          dialer(std::move(dialer_in)) {}

    Line line;
    WebSocketClientConfig config;
    ClientTarget target;
    std::shared_ptr<Dialer> dialer;
    std::unique_ptr<WebSocketUser> user;
    WebSocketClient::Failed failed;
    bool client_there = true;
    bool finished = false;
};

// The user hears nothing once the client has let go.
class AttemptUser final : public WebSocketUser {
  public:
    explicit AttemptUser(Attempt& attempt) : attempt_(&attempt), user_(std::move(attempt.user)) {}

    void on_open(WebSocketSink& sink) override { user_->on_open(sink); }

    void on_message(bool binary, std::string_view payload) override {
        user_->on_message(binary, payload);
    }

    void on_close() override {
        attempt_->finished = true;
        if (attempt_->client_there) {
            user_->on_close();
        }
    }

  private:
    Attempt* attempt_;
    std::unique_ptr<WebSocketUser> user_;
};

template <typename Stream>
class ClientPeer final : public WebSocketPeer<Stream> {
  public:
    ClientPeer(Attempt& attempt, Stream& stream)
        : WebSocketPeer<Stream>(stream,
                                attempt.config.limits,
                                attempt.config.time,
                                std::make_unique<AttemptUser>(attempt)),
          attempt_(&attempt) {}

    asio::awaitable<Connected> run() {
        auto& socket = this->socket();
        socket.set_option(websocket::stream_base::decorator(
            [headers = attempt_->config.headers](websocket::request_type& request) {
                for (const auto& [name, value] : headers) {
                    request.set(name, value);
                }
            }));
        websocket::response_type answer;
        const auto [error] = co_await socket.async_handshake(
            answer, attempt_->target.authority, attempt_->target.path, this->kAwait);
        if (error) {
            ConnectFault fault =
                fault_at(ConnectStep::kAnswer, "no WebSocket with", attempt_->target, error);
            if (error == websocket::error::upgrade_declined) {
                fault.message += " (answer " + std::to_string(answer.result_int()) + ")";
            }
            co_return std::unexpected(std::move(fault));
        }
        if (!attempt_->client_there) {
            co_return Connected();
        }
        this->open();
        co_await this->read_all();
        this->finish();
        attempt_->line.cancel();
        co_await this->wait_for_write();
        co_return Connected();
    }

  private:
    void on_cut_off() override { attempt_->line.cancel(); }

    [[nodiscard]] bool alive() const override { return attempt_->client_there; }

    Attempt* attempt_;
};

asio::awaitable<Connected> perform(Attempt* attempt) {
    TcpStream& tcp = attempt->line.stream;
    tcp.expires_after(attempt->config.time);
    Connected connected = co_await attempt->dialer->connect(&attempt->line, &attempt->target);
    if (!connected) {
        co_return connected;
    }
    boost::system::error_code ignored;
    std::ignore = tcp.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    if (!attempt->target.secure) {
        tcp.expires_never();  // the WebSocket has clocks of its own
        ClientPeer<TcpStream> peer(*attempt, tcp);
        co_return co_await peer.run();
    }
    TlsStream tls(tcp, attempt->dialer->tls());
    connected = co_await attempt->dialer->secure(&tls, &attempt->target);
    if (!connected) {
        co_return connected;
    }
    tcp.expires_never();
    ClientPeer<TlsStream> peer(*attempt, tls);
    co_return co_await peer.run();
}

asio::awaitable<void> run_attempt(std::shared_ptr<Attempt> attempt) {
    const Connected connected = co_await perform(attempt.get());
    attempt->finished = true;
    if (!connected && attempt->client_there) {
        WebSocketClient::Failed failed = std::move(attempt->failed);
        failed(connected.error());
    }
}

}  // namespace

struct WebSocketClient::State {
    asio::io_context* io = nullptr;
    WebSocketClientConfig config;
    ClientTarget target;
    std::shared_ptr<Dialer> dialer;
    std::shared_ptr<Attempt> attempt;
};

Result<std::unique_ptr<WebSocketClient>> WebSocketClient::make(
    asio::io_context& io, const WebSocketClientConfig& config) {
    auto target = parse_web_socket_url(config.url);
    if (!target) {
        return std::unexpected(target.error());
    }
    auto dialer = Dialer::make(config.connect);
    if (!dialer) {
        return std::unexpected(dialer.error());
    }
    auto state = std::make_unique<State>();
    state->io = &io;
    state->config = config;
    state->target = std::move(*target);
    state->dialer = std::move(*dialer);
    return std::unique_ptr<WebSocketClient>(
        new WebSocketClient(std::move(state)));  // NOLINT(*-owning-memory): private
}

WebSocketClient::WebSocketClient(std::unique_ptr<State> state) : state_(std::move(state)) {}

WebSocketClient::~WebSocketClient() {
    state_->dialer->detach();
    disconnect();
}

void WebSocketClient::connect(std::unique_ptr<WebSocketUser> user, Failed failed) {
    disconnect();
    auto attempt = std::make_shared<Attempt>(
        state_->io->get_executor(), state_->config, state_->target, state_->dialer);
    attempt->user = std::move(user);
    attempt->failed = std::move(failed);
    state_->attempt = attempt;
    asio::co_spawn(*state_->io, run_attempt(std::move(attempt)), asio::detached);
}

void WebSocketClient::disconnect() {
    if (const auto attempt = std::exchange(state_->attempt, nullptr)) {
        attempt->client_there = false;
        attempt->failed = nullptr;
        if (!attempt->finished) {
            attempt->line.cancel();
        }
    }
}

}  // namespace isthmus::http
