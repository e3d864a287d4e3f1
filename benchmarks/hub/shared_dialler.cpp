#include "benchmarks/hub/shared_dialler.h"

#include <deque>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace isthmus::hub {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// One connection; lives as long as its coroutine or its dialler, whichever is longer.
class Connection final : public http::WebSocketSink,
                         public std::enable_shared_from_this<Connection> {
  public:
    using Failed = std::function<void(const std::string& why)>;

    Connection(asio::io_context& io,
               SharedTls& tls,
               std::unique_ptr<http::WebSocketUser> user,
               Failed failed)
        : socket_(io, tls.context), user_(std::move(user)), failed_(std::move(failed)) {}

    // `self` keeps it while the coroutine runs.
    static asio::awaitable<void> run(std::shared_ptr<Connection> self, std::uint16_t port) {
        co_await self->work(port);
    }

    asio::awaitable<void> work(std::uint16_t port) {
        const asio::ip::tcp::endpoint hub(asio::ip::address_v4::loopback(), port);
        auto& tcp = beast::get_lowest_layer(socket_);
        tcp.expires_after(std::chrono::seconds(60));
        if (auto [error] = co_await tcp.async_connect(hub, kAwait); error) {
            co_return fail(error);
        }
        if (auto [error] = co_await socket_.next_layer().async_handshake(
                asio::ssl::stream_base::client, kAwait);
            error) {
            co_return fail(error);
        }
        if (auto [error] = co_await socket_.async_handshake("127.0.0.1", "/v1/channel", kAwait);
            error) {
            co_return fail(error);
        }
        tcp.expires_never();
        if (user_) {
            user_->on_open(*this);
        }
        beast::flat_buffer buffer;
        while (user_) {
            auto [error, bytes] = co_await socket_.async_read(buffer, kAwait);
            if (error || !user_) {
                break;
            }
            const auto data = buffer.cdata();
            user_->on_message(false, {static_cast<const char*>(data.data()), data.size()});
            buffer.consume(buffer.size());
        }
        if (const auto user = std::move(user_)) {
            user->on_close();
        }
    }

    // Nobody is told any more.
    void drop() {
        user_.reset();
        failed_ = nullptr;
        beast::get_lowest_layer(socket_).cancel();
        beast::get_lowest_layer(socket_).close();
    }

    void send(bool /*binary*/, http::WebSocketPayload payload) override {
        queue_.push_back(std::move(payload));
        if (queue_.size() == 1) {
            write();
        }
    }

    void close(std::uint16_t /*code*/, std::string_view /*reason*/) override {
        beast::get_lowest_layer(socket_).close();
    }

  private:
    void fail(const boost::system::error_code& error) {
        if (failed_) {
            failed_(error.message());
        }
    }

    void write() {
        socket_.text(true);
        socket_.async_write(
            asio::buffer(*queue_.front()),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                self->queue_.pop_front();
                if (!error && !self->queue_.empty()) {
                    self->write();
                }
            });
    }

    beast::websocket::stream<asio::ssl::stream<beast::tcp_stream>> socket_;
    std::unique_ptr<http::WebSocketUser> user_;
    Failed failed_;
    std::deque<http::WebSocketPayload> queue_;
};

class Dialler final : public ScriptedDialler {
  public:
    Dialler(asio::io_context& io, SharedTls& tls, std::uint16_t port)
        : io_(&io), tls_(&tls), port_(port) {}

    // Closing throws only where memory ends.
    ~Dialler() override { hang_up(); }  // NOLINT(bugprone-exception-escape)

    Dialler(const Dialler&) = delete;
    Dialler& operator=(const Dialler&) = delete;

    void dial(std::unique_ptr<http::WebSocketUser> user,
              std::function<void(const std::string& why)> failed) override {
        hang_up();
        connection_ = std::make_shared<Connection>(*io_, *tls_, std::move(user), std::move(failed));
        asio::co_spawn(*io_, Connection::run(connection_, port_), asio::detached);
    }

    void hang_up() override {
        if (const auto old = std::exchange(connection_, nullptr)) {
            old->drop();
        }
    }

  private:
    asio::io_context* io_;
    SharedTls* tls_;
    std::uint16_t port_;
    std::shared_ptr<Connection> connection_;
};

}  // namespace

SharedTls::SharedTls(const std::string& ca_file) : context(asio::ssl::context::tls_client) {
    context.load_verify_file(ca_file);
    context.set_verify_mode(asio::ssl::verify_peer);
}

std::unique_ptr<ScriptedDialler> make_shared_dialler(asio::io_context& io,
                                                     SharedTls& tls,
                                                     std::uint16_t port) {
    return std::make_unique<Dialler>(io, tls, port);
}

}  // namespace isthmus::hub
