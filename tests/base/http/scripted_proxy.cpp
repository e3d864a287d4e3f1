#include "tests/base/http/scripted_proxy.h"

#include <array>
#include <memory>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Socket = std::shared_ptr<Tcp::socket>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> carry(Socket from, Socket to) {
    std::array<char, 8192> piece{};
    while (true) {
        const auto [code, size] = co_await from->async_read_some(asio::buffer(piece), kAwait);
        if (code) {
            break;
        }
        const auto [failed, sent] =
            co_await asio::async_write(*to, asio::buffer(piece.data(), size), kAwait);
        if (failed) {
            break;
        }
    }
    boost::system::error_code ignored;
    std::ignore = to->shutdown(Tcp::socket::shutdown_send, ignored);
}

}  // namespace

ScriptedProxy::ScriptedProxy(std::uint16_t port, Script script)
    : acceptor_(io_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(port),
      script_(std::move(script)) {
    const auto serve = [](ScriptedProxy* self, Socket client) -> asio::awaitable<void> {
        std::string head;
        const auto [code, size] = co_await asio::async_read_until(
            *client, asio::dynamic_buffer(head), "\r\n\r\n", kAwait);
        if (code) {
            co_return;
        }
        const std::string answer = self->script_(head);
        {
            const std::scoped_lock lock(self->mutex_);
            self->heads_.push_back(head);
        }
        const auto [failed, sent] =
            co_await asio::async_write(*client, asio::buffer(answer), kAwait);
        if (failed || !answer.starts_with("HTTP/1.1 200")) {
            co_return;
        }
        const auto server = std::make_shared<Tcp::socket>(client->get_executor());
        const Tcp::endpoint target(asio::ip::address_v4::loopback(), self->port_);
        const auto [refused] = co_await server->async_connect(target, kAwait);
        if (!refused) {
            asio::co_spawn(client->get_executor(), carry(server, client), asio::detached);
            co_await carry(client, server);
        }
    };
    const auto listen = [serve](ScriptedProxy* self) -> asio::awaitable<void> {
        while (true) {
            auto [code, socket] = co_await self->acceptor_.async_accept(kAwait);
            if (code) {
                co_return;
            }
            asio::co_spawn(self->io_,
                           serve(self, std::make_shared<Tcp::socket>(std::move(socket))),
                           asio::detached);
        }
    };
    asio::co_spawn(io_, listen(this), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
}

// A thread that cannot be waited for ends the test program.
ScriptedProxy::~ScriptedProxy() {  // NOLINT(bugprone-exception-escape)
    io_.stop();
    thread_.join();
}

std::string ScriptedProxy::url(const std::string& user) const {
    return "http://" + (user.empty() ? "" : user + '@') +
           "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

std::vector<std::string> ScriptedProxy::heads() {
    const std::scoped_lock lock(mutex_);
    return heads_;
}

}  // namespace isthmus::http
