#include "tools/load/http_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "media/transport/io/socket_address.h"

namespace isthmus::load {

using media::transport::FileDescriptor;
using media::transport::KernelAddress;

namespace {

[[nodiscard]] std::string last_error() {
    return std::system_category().message(errno);
}

}  // namespace

HttpClient::HttpClient(HttpClientConfig config, int epoll, std::uint64_t first_tag)
    : config_(std::move(config)), epoll_(epoll), first_tag_(first_tag) {
    connections_.resize(std::max<std::size_t>(config_.connections, 1));
}

void HttpClient::request(HttpRequest request,
                         std::move_only_function<void(Instant)> started,
                         Done done) {
    waiting_.push_back(std::make_unique<Job>(Job{
        .request = std::move(request), .started = std::move(started), .done = std::move(done)}));
}

std::size_t HttpClient::pending() const {
    return waiting_.size() +
           static_cast<std::size_t>(std::ranges::count_if(
               connections_, [](const Connection& each) { return each.job != nullptr; }));
}

void HttpClient::work(Instant now) {
    for (std::size_t i = 0; i < connections_.size() && !waiting_.empty(); ++i) {
        if (!connections_[i].job) {
            auto job = std::move(waiting_.front());
            waiting_.pop_front();
            begin(now, i, std::move(job));
        }
    }
}

void HttpClient::begin(Instant now, std::size_t index, std::unique_ptr<Job> job) {
    Connection& connection = connections_[index];
    connection.out = write_http_request(job->request, config_.authority);
    connection.deadline = now + config_.timeout;
    connection.job = std::move(job);
    if (connection.job->started) {
        connection.job->started(now);
    }
    if (!connection.stream && !connect(index)) {
        fail(now, index, "connecting failed: " + last_error());
        return;
    }
    write(now, index);
}

bool HttpClient::connect(std::size_t index) {
    Connection& connection = connections_[index];
    KernelAddress address{};
    const socklen_t length = media::transport::write_kernel_address(config_.address, 0, address);
    FileDescriptor fd(
        ::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd || (::connect(fd.get(), &address.any, length) != 0 && errno != EINPROGRESS)) {
        return false;
    }
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection.stream = HttpStream(std::move(fd), config_.trust, config_.authority.host);
    connection.reader = HttpResponseReader();
    connection.used = false;
    watch(index, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
    return true;
}

void HttpClient::watch(std::size_t index, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = first_tag_ + index;
    ::epoll_ctl(epoll_, operation, connections_[index].stream.fd(), &event);
}

void HttpClient::write(Instant now, std::size_t index) {
    Connection& connection = connections_[index];
    while (!connection.out.empty()) {
        const HttpStream::Moved moved = connection.stream.write(connection.out);
        if (moved.state == StreamState::kGood) {
            connection.out.erase(0, moved.bytes);
        } else if (moved.state == StreamState::kWaits) {
            break;
        } else {
            fail(now, index, "writing failed: " + connection.stream.problem());
            return;
        }
    }
    const bool waits = !connection.out.empty() && connection.stream.waits_for_room();
    watch(index, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void HttpClient::handle_event(Instant now, std::uint64_t tag, std::uint32_t events) {
    const std::size_t index = static_cast<std::size_t>(tag - first_tag_);
    Connection& connection = connections_[index];
    if (!connection.stream) {
        return;
    }
    // TLS may have to read before it can write.
    if (connection.job && !connection.out.empty()) {
        write(now, index);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && connection.stream) {
        read(now, index);
    }
    work(now);
}

void HttpClient::read(Instant now, std::size_t index) {
    Connection& connection = connections_[index];
    std::array<char, 16384> buffer;  // NOLINT: filled by read
    while (connection.stream) {
        const HttpStream::Moved moved = connection.stream.read(buffer);
        const bool ended = moved.state == StreamState::kEnded;
        if (moved.state == StreamState::kWaits) {
            return;
        }
        if (moved.state == StreamState::kFailed) {
            fail(now, index, "reading failed: " + connection.stream.problem());
            return;
        }
        if (ended && !connection.job) {
            connection.stream = {};  // the server has no use for it any more
            return;
        }
        const auto whole =
            ended ? connection.reader.end() : connection.reader.push({buffer.data(), moved.bytes});
        if (!whole) {
            fail(now, index, ended ? "it closed the connection" : "its answer is no HTTP");
            return;
        }
        if (*whole && connection.job) {
            finish(now, index);
        }
    }
}

void HttpClient::finish(Instant now, std::size_t index) {
    Connection& connection = connections_[index];
    auto job = std::move(connection.job);
    auto response = connection.reader.take();
    connection.used = true;
    connection.deadline = kNever;
    if (!connection.reader.keep_alive()) {
        connection.stream = {};
    }
    job->done(now, std::move(response));
}

void HttpClient::fail(Instant now, std::size_t index, const std::string& why) {
    Connection& connection = connections_[index];
    const bool fresh = !connection.used;
    const bool answered = connection.reader.started();
    connection.stream = {};
    connection.out.clear();
    connection.deadline = kNever;
    auto job = std::move(connection.job);
    if (!job) {
        return;
    }
    if (!fresh && !answered && !job->again) {
        job->again = true;
        waiting_.push_front(std::move(job));
        return;
    }
    job->done(now, std::unexpected(error(why)));
}

Error HttpClient::error(const std::string& why) const {
    return {.code = ErrorCode::kUnavailable,
            .message = "the node at " +
                       std::string(config_.authority.secure ? "https://" : "http://") +
                       config_.authority.text + " does not answer: " + why};
}

void HttpClient::handle_timeout(Instant now) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (now >= connections_[i].deadline) {
            connections_[i].used = false;  // not sent again: it was slow, not gone
            fail(now, i, "no answer in time");
        }
    }
    work(now);
}

Instant HttpClient::next_timeout() const {
    Instant next = kNever;
    for (const Connection& connection : connections_) {
        next = std::min(next, connection.deadline);
    }
    return next;
}

}  // namespace isthmus::load
