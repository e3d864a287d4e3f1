// One TCP connection of a client: RFC 4571 frames in and out.
//
// Its first frame must be a STUN message; before that it may hold 1 KiB. What the kernel does not
// take at once waits in a FrameBacklog. Driven by TcpAcceptor: one thread, non-blocking.
// Specification: RFC 6544 section 10, RFC 4571.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/transport/address.h"
#include "media/transport/datagram.h"
#include "media/transport/io/file_descriptor.h"
#include "media/transport/io/frame_backlog.h"
#include "media/transport/stream_framing.h"

namespace isthmus::media::transport {

struct TcpLinkLimits {
    // From the connection to its first frame.
    Duration first_frame = std::chrono::seconds(10);
    // Between frames afterwards. Chromium checks a candidate pair that it does not use every 25 s.
    Duration idle = std::chrono::seconds(30);
    FrameBacklogLimits backlog{};
};

enum class TcpCloseReason : std::uint8_t {
    kPeer,      // it closed, or reset
    kError,     // of the socket
    kNotStun,   // the first frame is no STUN message
    kBadFrame,  // longer than a datagram can be
    kIdle,
    kAsked,  // by the node
};

struct TcpLinkCounters {
    std::uint64_t frames_in = 0;
    std::uint64_t bytes_in = 0;  // of the stream, with length fields; as below
    std::uint64_t frames_out = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t frames_dropped = 0;  // the client reads too slowly
};

class TcpLink {
  public:
    // `counters` is shared by the links of one acceptor and outlives them.
    TcpLink(Instant now,
            FileDescriptor fd,
            const Path& path,
            const TcpLinkLimits& limits,
            TcpLinkCounters& counters);

    // Room that on_readable() wants in its buffer.
    static constexpr std::size_t kReadBytes = std::size_t{32} * 1024;

    // Reads once into `buffer`, appends the frames to `frames` and returns how much of the buffer
    // they take. Frames that came before an error are appended too.
    [[nodiscard]] std::expected<std::size_t, TcpCloseReason> on_readable(
        Instant now, std::span<std::byte> buffer, std::vector<InDatagram>& frames);

    // Sends what waits.
    [[nodiscard]] std::expected<void, TcpCloseReason> on_writable(Instant now);

    // All of this link's path. An error of the socket shows at the next on_readable().
    void send(Instant now, std::span<const OutDatagram> frames);

    // Drops what waited too long.
    void expire(Instant now) { counters_.frames_dropped += backlog_.expire(now); }

    [[nodiscard]] int fd() const { return fd_.get(); }

    [[nodiscard]] const Path& path() const { return path_; }

    [[nodiscard]] bool want_write() const { return !backlog_.empty(); }

    // When it is closed unless a frame comes.
    [[nodiscard]] Instant idle_at() const { return idle_at_; }

  private:
    [[nodiscard]] std::expected<void, TcpCloseReason> take_frames(Instant now,
                                                                  std::vector<InDatagram>& frames);
    [[nodiscard]] std::size_t send_some(std::span<const OutDatagram> frames);
    [[nodiscard]] std::size_t settle(std::span<const OutDatagram> frames, std::size_t sent);

    FileDescriptor fd_;
    Path path_;
    TcpLinkLimits limits_;
    TcpLinkCounters& counters_;
    StreamDeframer deframer_;
    FrameBacklog backlog_;
    bool stun_seen_ = false;
    bool broken_ = false;
    Instant idle_at_;
};

}  // namespace isthmus::media::transport
