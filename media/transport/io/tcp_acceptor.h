// ICE-TCP: listens on one address and holds the connections that clients made to it.
//
// One descriptor stands for all of them: an epoll instance of its own, which the owner watches for
// readability, level-triggered. Then receive(); poll_closed() until it gives nothing; re-arm from
// next_timeout(). Passive candidates only: the node never connects. One thread. Linux only.
// Specification: RFC 6544.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/io/file_descriptor.h"
#include "media/transport/io/tcp_link.h"

namespace isthmus::media::transport {

struct TcpAcceptorOptions {
    // IPv4, or IPv6 without IPv4 (V6ONLY). Port 0: the kernel chooses.
    SocketAddress bind{};
    // Tells the link ids of acceptors apart that one worker holds: 0 to 7.
    std::uint32_t index = 0;
    std::size_t connections_max = 2000;
    // From one IPv4 address or one IPv6 /64. An office behind one address has many clients.
    std::size_t connections_per_address_max = 256;
    // SO_SNDBUF of a connection; 0: as the system has it.
    int send_buffer_bytes = 0;
    TcpLinkLimits link{};
};

struct TcpAcceptorCounters {
    std::uint64_t accepted = 0;
    std::uint64_t refused_full = 0;         // connections_max
    std::uint64_t refused_per_address = 0;  // connections_per_address_max
    std::uint64_t accept_errors = 0;        // such as no descriptors left
    std::uint64_t closed_by_peer = 0;
    std::uint64_t closed_error = 0;
    std::uint64_t closed_not_stun = 0;
    std::uint64_t closed_bad_frame = 0;
    std::uint64_t closed_idle = 0;
    std::uint64_t frames_without_link = 0;  // to send on a connection that is gone
};

class TcpAcceptor {
  public:
    // Which links are an acceptor's, and whose: TcpAcceptorOptions::index.
    [[nodiscard]] static constexpr bool is_tcp(LinkId link) {
        return (link.value & 0x80000000U) != 0;
    }

    [[nodiscard]] static constexpr std::uint32_t index_of(LinkId link) {
        return (link.value & 0x7FFFFFFFU) >> kLinkIdBits;
    }

    // The error names the address and what to do.
    [[nodiscard]] static Result<TcpAcceptor> open(const TcpAcceptorOptions& options);

    TcpAcceptor(TcpAcceptor&&) noexcept;
    TcpAcceptor& operator=(TcpAcceptor&&) noexcept;
    ~TcpAcceptor();

    [[nodiscard]] int fd() const { return epoll_.get(); }

    // With the port that the kernel chose.
    [[nodiscard]] const SocketAddress& local_address() const { return local_address_; }

    // Accepts, reads and writes what is ready, and gives the frames that came in. The bytes are the
    // caller's to change; paths and bytes are valid until the next call. Where more is ready than
    // one call takes, fd() stays readable.
    [[nodiscard]] std::span<const InDatagram> receive(Instant now);

    // By their paths' links. A frame that a slow reader has no room for is lost whole.
    void send(Instant now, std::span<const OutDatagram> datagrams);

    // A connection that has gone, however it went, or nothing when drained.
    [[nodiscard]] std::optional<Path> poll_closed();

    void close(LinkId link);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] std::size_t connections() const { return links_.size(); }

    [[nodiscard]] const TcpAcceptorCounters& counters() const { return counters_; }

    [[nodiscard]] const TcpLinkCounters& link_counters() const { return *link_counters_; }

  private:
    // Of a link id: one acceptor's connections are told apart.
    static constexpr std::uint32_t kLinkIdBits = 28;

    struct Entry {
        std::unique_ptr<TcpLink> link;
        bool write_watched = false;
    };

    using Links = std::unordered_map<std::uint32_t, Entry>;

    TcpAcceptor(const TcpAcceptorOptions& options, FileDescriptor listener, FileDescriptor epoll);

    void accept_pending(Instant now);
    // False where nothing (more) can be accepted now.
    [[nodiscard]] bool accept_one(Instant now);
    [[nodiscard]] bool has_room_for(const IpAddress& remote);
    void add_link(Instant now, FileDescriptor fd, const SocketAddress& remote, std::uint32_t scope);
    [[nodiscard]] LinkId next_link_id();
    void handle_link(Instant now, std::uint32_t id, std::uint32_t events);
    void read_link(Instant now, Links::iterator entry);
    void watch_writing(std::uint32_t id, Entry& entry);
    void watch_listener(bool on);
    void close(Links::iterator entry, TcpCloseReason reason);

    TcpAcceptorOptions options_;
    FileDescriptor listener_;
    FileDescriptor epoll_;
    SocketAddress local_address_;
    Links links_;
    std::unordered_map<std::uint64_t, std::size_t> connections_of_;  // by remote address
    std::uint32_t last_id_ = 0;
    bool accepting_ = true;
    Instant next_scan_ = kNever;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t buffer_used_ = 0;
    std::vector<InDatagram> frames_;
    // Frames and paths of connections that closed during the last receive() are still looked at.
    std::vector<std::unique_ptr<TcpLink>> closed_links_;
    std::vector<Path> closed_;
    TcpAcceptorCounters counters_;
    std::unique_ptr<TcpLinkCounters> link_counters_;  // stays where the links find it
};

}  // namespace isthmus::media::transport
