#include "media/transport/io/tcp_acceptor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "media/transport/io/socket_address.h"

namespace isthmus::media::transport {

namespace {

constexpr int kListenBacklog = 512;
constexpr std::size_t kEventsPerCall = 64;
constexpr std::size_t kAcceptsPerCall = 64;
constexpr std::size_t kBufferBytes = std::size_t{512} * 1024;
// A piece of the buffer for one read: what a link may have kept (a frame of 4096 bytes), and more.
constexpr std::size_t kReadBytesMin = std::size_t{8} * 1024;
// How often idle connections and old frames are looked for.
constexpr Duration kScanInterval = std::chrono::seconds(1);
// The listener's id in epoll; link ids have the top bit.
constexpr std::uint32_t kListenerId = 0;
// What a link id has room for: TcpAcceptor::index_of().
constexpr std::uint32_t kAcceptorsMax = 8;
// What may wait unsent in the kernel per connection, above what is in flight: about 0.1 s at
// 1 Mbit/s. The rest waits in the backlog, where it can still be dropped.
constexpr int kKernelUnsentBytes = 16 * 1024;

[[nodiscard]] bool set_option(int fd, int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

[[nodiscard]] std::unexpected<Error> open_error(const SocketAddress& bind,
                                                const char* what,
                                                int error) {
    const ErrorCode code = error == EADDRINUSE ? ErrorCode::kConflict
                           : error == EACCES   ? ErrorCode::kPermissionDenied
                                               : ErrorCode::kUnavailable;
    return make_error(code,
                      "TCP " + bind.to_string() + ": " + what +
                          " failed: " + std::system_category().message(error) +
                          ". Choose another address or port in the configuration, or turn ICE-TCP "
                          "off.");
}

[[nodiscard]] bool watch(int epoll, int operation, int fd, std::uint32_t events, std::uint32_t id) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = id;
    return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

// Whom a connection counts for: an IPv4 address, or the /64 that an IPv6 host can roam.
[[nodiscard]] std::uint64_t address_key(const IpAddress& ip) {
    std::uint64_t key = 0;
    std::memcpy(&key, ip.bytes.data() + (ip.is_v4() ? 8 : 0), sizeof key);
    return key;
}

// Closes at once, so that the client notices at once.
void refuse(int fd) {
    const linger abort{.l_onoff = 1, .l_linger = 0};
    static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort));
}

}  // namespace

Result<TcpAcceptor> TcpAcceptor::open(const TcpAcceptorOptions& options) {
    if (options.index >= kAcceptorsMax) {
        return make_error(ErrorCode::kInvalidArgument,
                          "TCP " + options.bind.to_string() +
                              ": a worker listens for ICE-TCP on 8 addresses at most; name fewer "
                              "addresses in the configuration, or turn ICE-TCP off.");
    }
    const bool v4 = options.bind.ip.is_v4();
    FileDescriptor listener(
        ::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!listener) {
        return open_error(options.bind, "socket", errno);
    }
    const int fd = listener.get();
    if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
        (!v4 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))) {
        return open_error(options.bind, "setsockopt", errno);
    }
    KernelAddress address{};
    const socklen_t length = write_kernel_address(options.bind, 0, address);
    if (::bind(fd, &address.any, length) != 0) {
        return open_error(options.bind, "bind", errno);
    }
    if (::listen(fd, kListenBacklog) != 0) {
        return open_error(options.bind, "listen", errno);
    }
    FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll || !watch(epoll.get(), EPOLL_CTL_ADD, fd, EPOLLIN, kListenerId)) {
        return open_error(options.bind, "epoll", errno);
    }
    return TcpAcceptor(options, std::move(listener), std::move(epoll));
}

TcpAcceptor::TcpAcceptor(const TcpAcceptorOptions& options,
                         FileDescriptor listener,
                         FileDescriptor epoll)
    : options_(options),
      listener_(std::move(listener)),
      epoll_(std::move(epoll)),
      local_address_(bound_address(listener_.get())),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferBytes)),
      link_counters_(std::make_unique<TcpLinkCounters>()) {}

TcpAcceptor::TcpAcceptor(TcpAcceptor&&) noexcept = default;
TcpAcceptor& TcpAcceptor::operator=(TcpAcceptor&&) noexcept = default;
TcpAcceptor::~TcpAcceptor() = default;

std::span<const InDatagram> TcpAcceptor::receive(Instant now) {
    frames_.clear();
    closed_links_.clear();
    buffer_used_ = 0;
    std::array<epoll_event, kEventsPerCall> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u32 == kListenerId) {
            accept_pending(now);
        } else {
            handle_link(now, event.data.u32, event.events);
        }
    }
    return frames_;
}

void TcpAcceptor::accept_pending(Instant now) {
    for (std::size_t i = 0; i < kAcceptsPerCall; ++i) {
        if (!accept_one(now)) {
            return;
        }
    }
}

bool TcpAcceptor::accept_one(Instant now) {
    KernelAddress address{};
    socklen_t length = sizeof address;
    FileDescriptor fd(
        ::accept4(listener_.get(), &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return false;
        }
        ++counters_.accept_errors;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // The listener stays readable all the while: without a pause the thread would spin.
            watch_listener(false);
            next_scan_ = std::min(next_scan_, now + kScanInterval);
            return false;
        }
        return true;  // that connection is gone already
    }
    const SocketAddress remote = read_kernel_address(address);
    if (!has_room_for(remote.ip)) {
        refuse(fd.get());
        return true;
    }
    const std::uint32_t scope = remote.ip.is_link_local() && address.any.sa_family == AF_INET6
                                    ? address.v6.sin6_scope_id
                                    : 0;
    add_link(now, std::move(fd), remote, scope);
    return true;
}

bool TcpAcceptor::has_room_for(const IpAddress& remote) {
    if (links_.size() >= options_.connections_max) {
        ++counters_.refused_full;
        return false;
    }
    const auto known = connections_of_.find(address_key(remote));
    if (known != connections_of_.end() && known->second >= options_.connections_per_address_max) {
        ++counters_.refused_per_address;
        return false;
    }
    return true;
}

void TcpAcceptor::add_link(Instant now,
                           FileDescriptor fd,
                           const SocketAddress& remote,
                           std::uint32_t scope) {
    const LinkId id = next_link_id();
    static_cast<void>(set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1));
    static_cast<void>(set_option(fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, kKernelUnsentBytes));
    if (options_.send_buffer_bytes > 0) {
        static_cast<void>(set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, options_.send_buffer_bytes));
    }
    if (!watch(epoll_.get(), EPOLL_CTL_ADD, fd.get(), EPOLLIN, id.value)) {
        ++counters_.accept_errors;
        return;
    }
    const Path path{.local = bound_address(fd.get()),
                    .remote = remote,
                    .link = id,
                    .protocol = Protocol::kTcp,
                    .interface_index = scope};
    ++connections_of_[address_key(remote.ip)];
    links_.emplace(id.value,
                   Entry{.link = std::make_unique<TcpLink>(
                             now, std::move(fd), path, options_.link, *link_counters_)});
    ++counters_.accepted;
    next_scan_ = std::min(next_scan_, now + kScanInterval);
}

LinkId TcpAcceptor::next_link_id() {
    LinkId id;
    do {
        last_id_ = (last_id_ + 1) & ((1U << kLinkIdBits) - 1);
        id.value = 0x80000000U | (options_.index << kLinkIdBits) | last_id_;
    } while (links_.contains(id.value));
    return id;
}

void TcpAcceptor::handle_link(Instant now, std::uint32_t id, std::uint32_t events) {
    const auto entry = links_.find(id);
    if (entry == links_.end()) {
        return;  // closed by an event before this one
    }
    if ((events & EPOLLOUT) != 0) {
        if (const auto written = entry->second.link->on_writable(now); !written) {
            close(entry, written.error());
            return;
        }
        watch_writing(id, entry->second);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        read_link(now, entry);
    }
}

void TcpAcceptor::read_link(Instant now, Links::iterator entry) {
    if (kBufferBytes - buffer_used_ < kReadBytesMin) {
        return;  // the next receive() finds it still readable
    }
    const std::size_t room = std::min(kBufferBytes - buffer_used_, TcpLink::kReadBytes);
    const auto used = entry->second.link->on_readable(
        now, std::span(buffer_.get() + buffer_used_, room), frames_);
    if (used) {
        buffer_used_ += *used;
        return;
    }
    buffer_used_ += room;  // frames may lie there
    close(entry, used.error());
}

void TcpAcceptor::watch_writing(std::uint32_t id, Entry& entry) {
    const bool wanted = entry.link->want_write();
    if (wanted == entry.write_watched) {
        return;
    }
    const std::uint32_t events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
    CHECK(watch(epoll_.get(), EPOLL_CTL_MOD, entry.link->fd(), events, id));
    entry.write_watched = wanted;
}

void TcpAcceptor::watch_listener(bool on) {
    accepting_ = on;
    CHECK(watch(epoll_.get(), EPOLL_CTL_MOD, listener_.get(), on ? EPOLLIN : 0U, kListenerId));
}

void TcpAcceptor::send(Instant now, std::span<const OutDatagram> datagrams) {
    while (!datagrams.empty()) {
        const LinkId link = datagrams.front().path->link;
        const auto other = std::ranges::find_if(
            datagrams, [link](const OutDatagram& d) { return !(d.path->link == link); });
        const auto count = static_cast<std::size_t>(other - datagrams.begin());
        if (const auto entry = links_.find(link.value); entry != links_.end()) {
            entry->second.link->send(now, datagrams.first(count));
            watch_writing(link.value, entry->second);
        } else {
            counters_.frames_without_link += count;
        }
        datagrams = datagrams.subspan(count);
    }
}

std::optional<Path> TcpAcceptor::poll_closed() {
    if (closed_.empty()) {
        return std::nullopt;
    }
    const Path path = closed_.back();
    closed_.pop_back();
    return path;
}

void TcpAcceptor::close(LinkId link) {
    if (const auto entry = links_.find(link.value); entry != links_.end()) {
        close(entry, TcpCloseReason::kAsked);
    }
}

void TcpAcceptor::close(Links::iterator entry, TcpCloseReason reason) {
    switch (reason) {
        case TcpCloseReason::kPeer:
            ++counters_.closed_by_peer;
            break;
        case TcpCloseReason::kError:
            ++counters_.closed_error;
            break;
        case TcpCloseReason::kNotStun:
            ++counters_.closed_not_stun;
            break;
        case TcpCloseReason::kBadFrame:
            ++counters_.closed_bad_frame;
            break;
        case TcpCloseReason::kIdle:
            ++counters_.closed_idle;
            break;
        case TcpCloseReason::kAsked:
            break;
    }
    std::unique_ptr<TcpLink> link = std::move(entry->second.link);
    links_.erase(entry);
    const auto known = connections_of_.find(address_key(link->path().remote.ip));
    if (--known->second == 0) {
        connections_of_.erase(known);
    }
    closed_.push_back(link->path());
    // The descriptor outlives this call only if it is out of the set.
    static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, link->fd(), nullptr));
    static_cast<void>(::shutdown(link->fd(), SHUT_RDWR));
    closed_links_.push_back(std::move(link));
}

void TcpAcceptor::handle_timeout(Instant now) {
    if (now < next_scan_) {
        return;
    }
    if (!accepting_) {
        watch_listener(true);
    }
    for (auto entry = links_.begin(); entry != links_.end();) {
        const auto current = entry++;
        current->second.link->expire(now);
        watch_writing(current->first, current->second);
        if (current->second.link->idle_at() <= now) {
            close(current, TcpCloseReason::kIdle);
        }
    }
    next_scan_ = links_.empty() ? kNever : now + kScanInterval;
}

Instant TcpAcceptor::next_timeout() const {
    return next_scan_;
}

}  // namespace isthmus::media::transport
