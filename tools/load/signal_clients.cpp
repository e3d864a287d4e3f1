#include "tools/load/signal_clients.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "media/transport/io/file_descriptor.h"
#include "media/transport/io/socket_address.h"

namespace isthmus::load {

using media::transport::FileDescriptor;
using media::transport::KernelAddress;

namespace {

constexpr std::uint16_t kCloseNormal = 1000;  // RFC 6455 section 7.4.1

}  // namespace

SignalClients::SignalClients(SignalClientsConfig config,
                             SignalUser& user,
                             RandomSource& random,
                             int epoll,
                             std::uint64_t first_tag)
    : config_(std::move(config)),
      user_(&user),
      random_(&random),
      epoll_(epoll),
      first_tag_(first_tag) {}

void SignalClients::join(Instant now, std::size_t client, const SignalJoin& join) {
    connections_.resize(std::max(connections_.size(), client + 1));
    LivekitSession session(join.options, join.participant, join.place.local, join.place.link);
    const std::string target = session.make_target(join.token);
    join.participant.on_signaling_started(now);
    connections_[client] = std::make_unique<Connection>(
        Connection{.stream = connect(),
                   .socket = WebSocketClient(config_.authority, target, *random_),
                   .session = std::move(session),
                   .deadline = now + config_.timeout});
    // Where connecting failed the deadline finds out.
    if (connections_[client]->stream) {
        watch(client, true, EPOLL_CTL_ADD);
    } else {
        connections_[client]->deadline = now;
    }
}

HttpStream SignalClients::connect() const {
    KernelAddress address{};
    const socklen_t length = media::transport::write_kernel_address(config_.address, 0, address);
    FileDescriptor fd(
        ::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd || (::connect(fd.get(), &address.any, length) != 0 && errno != EINPROGRESS)) {
        return {};
    }
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return HttpStream(std::move(fd), config_.trust, config_.authority.host);
}

void SignalClients::watch(std::size_t client, bool room, int operation) {
    Connection& connection = *connections_[client];
    if (operation == EPOLL_CTL_MOD && connection.waits_for_room == room) {
        return;
    }
    connection.waits_for_room = room;
    epoll_event event{};
    event.events = room ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.u64 = first_tag_ + client;
    ::epoll_ctl(epoll_, operation, connection.stream.fd(), &event);
}

void SignalClients::handle_event(Instant now, std::uint64_t tag, std::uint32_t events) {
    const auto client = static_cast<std::size_t>(tag - first_tag_);
    if (!connections_[client]) {
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read(now, client)) {
        return;
    }
    static_cast<void>(flush(client));
}

bool SignalClients::read(Instant now, std::size_t client) {
    Connection& connection = *connections_[client];
    std::array<char, 16384> buffer;  // NOLINT: filled by read
    while (true) {
        const HttpStream::Moved moved = connection.stream.read(buffer);
        if (moved.state == StreamState::kWaits) {
            return true;
        }
        if (moved.state != StreamState::kGood) {
            fail(client,
                 moved.state == StreamState::kEnded
                     ? "the node closed its signaling"
                     : "reading signaling failed: " + connection.stream.problem());
            return false;
        }
        if (const auto pushed = connection.socket.push({buffer.data(), moved.bytes}); !pushed) {
            fail(client, "the node's WebSocket: " + pushed.error());
            return false;
        }
        if (connection.socket.state() == WebSocketClient::State::kOpen) {
            connection.deadline = kNever;
        }
        bool any = false;
        while (const auto message = connection.socket.poll_message()) {
            any = true;
            if (!connection.session.handle_message(now, message->payload)) {
                fail(client, connection.session.problem());
                return false;
            }
        }
        if (any) {
            user_->on_signaled(client);
        }
    }
}

bool SignalClients::flush(std::size_t client) {
    Connection& connection = *connections_[client];
    if (connection.socket.state() == WebSocketClient::State::kOpen) {
        while (const auto request = connection.session.poll_request()) {
            connection.socket.send(true, *request);
        }
    }
    connection.out.append(connection.socket.take_output());
    while (!connection.out.empty()) {
        const HttpStream::Moved moved = connection.stream.write(connection.out);
        if (moved.state == StreamState::kGood) {
            connection.out.erase(0, moved.bytes);
        } else if (moved.state == StreamState::kWaits) {
            break;
        } else {
            fail(client, "writing signaling failed: " + connection.stream.problem());
            return false;
        }
    }
    watch(client, !connection.out.empty() && connection.stream.waits_for_room(), EPOLL_CTL_MOD);
    return true;
}

void SignalClients::handle_timeout(Instant now) {
    for (std::size_t client = 0; client < connections_.size(); ++client) {
        Connection* const connection = connections_[client].get();
        if (connection == nullptr) {
            continue;
        }
        if (now >= connection->deadline) {
            fail(client,
                 connection->stream
                     ? "the node does not open a WebSocket in time"
                     : "connecting for signaling failed: " + std::system_category().message(errno));
        } else if (now >= connection->session.next_timeout()) {
            connection->session.handle_timeout(now);
            static_cast<void>(flush(client));
        }
    }
}

void SignalClients::leave() {
    for (std::size_t client = 0; client < connections_.size(); ++client) {
        if (connections_[client]) {
            connections_[client]->session.leave();
            if (flush(client)) {
                connections_[client]->socket.close(kCloseNormal);
                static_cast<void>(flush(client));
            }
        }
    }
}

std::size_t SignalClients::tracks_named() const {
    std::size_t sum = 0;
    for (const auto& connection : connections_) {
        sum += connection ? connection->session.tracks_named() : 0;
    }
    return sum;
}

void SignalClients::fail(std::size_t client, const std::string& why) {
    connections_[client].reset();
    user_->on_signaling_failed(client, why);
}

}  // namespace isthmus::load
