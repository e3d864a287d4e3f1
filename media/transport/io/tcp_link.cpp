#include "media/transport/io/tcp_link.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/byte_order.h"

namespace isthmus::media::transport {

namespace {

// Before the first frame: a binding request with two ufrags of 256 characters fits.
constexpr std::size_t kFirstFrameBytesMax = 1024;
// Afterwards. Clients keep to the size of a datagram on TCP too; DTLS over it may be longer.
constexpr std::size_t kInFrameBytesMax = 4096;

// Shorter than any STUN, DTLS, RTP or RTCP message: an empty RTCP receiver report has 8 bytes.
constexpr std::size_t kFrameBytesMin = 8;

// Frames given to the kernel in one call; two iovecs each.
constexpr std::size_t kFramesPerCall = 64;

// RFC 8489 section 5: 20 bytes, two zero bits, the magic cookie.
[[nodiscard]] bool looks_like_stun(std::span<const std::byte> frame) {
    return frame.size() >= 20 && (load_u8(frame.data()) & 0xC0U) == 0 &&
           load_be32(frame.data() + 4) == 0x2112A442U;
}

[[nodiscard]] bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ENOBUFS ||
           error == ENOMEM;
}

[[nodiscard]] TcpCloseReason reason_of(int error) {
    return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT ? TcpCloseReason::kPeer
                                                                       : TcpCloseReason::kError;
}

}  // namespace

TcpLink::TcpLink(Instant now,
                 FileDescriptor fd,
                 const Path& path,
                 const TcpLinkLimits& limits,
                 TcpLinkCounters& counters)
    : fd_(std::move(fd)),
      path_(path),
      limits_(limits),
      counters_(counters),
      deframer_(kFirstFrameBytesMax),
      backlog_(limits.backlog),
      idle_at_(now + limits.first_frame) {}

std::expected<std::size_t, TcpCloseReason> TcpLink::on_readable(Instant now,
                                                                std::span<std::byte> buffer,
                                                                std::vector<InDatagram>& frames) {
    if (broken_) {
        return std::unexpected(TcpCloseReason::kError);
    }
    const std::span<std::byte> room = deframer_.begin(buffer);
    const ssize_t count = ::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (count == 0) {
        return std::unexpected(TcpCloseReason::kPeer);
    }
    if (count < 0 && !would_block(errno)) {
        return std::unexpected(reason_of(errno));
    }
    const auto received = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    counters_.bytes_in += received;
    const std::size_t used = deframer_.kept_bytes() + received;
    deframer_.received(received);
    if (const auto taken = take_frames(now, frames); !taken) {
        return std::unexpected(taken.error());
    }
    deframer_.end();
    return used;
}

std::expected<void, TcpCloseReason> TcpLink::take_frames(Instant now,
                                                         std::vector<InDatagram>& frames) {
    while (true) {
        const auto next = deframer_.next();
        if (!next) {
            return std::unexpected(TcpCloseReason::kBadFrame);
        }
        const std::optional<std::span<std::byte>>& frame = *next;
        if (!frame) {
            return {};
        }
        if (!stun_seen_ && !looks_like_stun(*frame)) {
            return std::unexpected(TcpCloseReason::kNotStun);
        }
        if (frame->size() < kFrameBytesMin) {
            continue;
        }
        stun_seen_ = true;
        deframer_.set_frame_bytes_max(kInFrameBytesMax);
        idle_at_ = now + limits_.idle;
        ++counters_.frames_in;
        frames.push_back({.path = &path_, .bytes = *frame});
    }
}

std::expected<void, TcpCloseReason> TcpLink::on_writable(Instant now) {
    expire(now);
    while (!backlog_.empty()) {
        const std::span<const std::byte> next = backlog_.front();
        const ssize_t count =
            ::send(fd_.get(), next.data(), next.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && would_block(errno)) {
            return {};
        }
        if (count < 0) {
            return std::unexpected(reason_of(errno));
        }
        const std::size_t frames_before = backlog_.frames();
        backlog_.consume(static_cast<std::size_t>(count));
        counters_.frames_out += frames_before - backlog_.frames();
        counters_.bytes_out += static_cast<std::size_t>(count);
    }
    return {};
}

void TcpLink::send(Instant now, std::span<const OutDatagram> frames) {
    expire(now);
    while (!broken_ && backlog_.empty() && !frames.empty()) {
        const std::size_t tried = std::min(frames.size(), kFramesPerCall);
        const std::size_t settled = send_some(frames.first(tried));
        frames = frames.subspan(settled);
        if (settled < tried) {
            break;
        }
    }
    for (const OutDatagram& frame : frames) {
        if (broken_ || !backlog_.push(now, frame.bytes)) {
            ++counters_.frames_dropped;
        }
    }
}

// Offers the kernel up to kFramesPerCall frames; returns how many that settles.
std::size_t TcpLink::send_some(std::span<const OutDatagram> frames) {
    std::array<std::array<std::byte, kFrameLengthBytes>, kFramesPerCall> lengths{};
    std::array<iovec, 2 * kFramesPerCall> vectors{};
    for (std::size_t i = 0; i < frames.size(); ++i) {
        lengths[i] = frame_length_field(frames[i].bytes.size());
        vectors[2 * i] = {.iov_base = lengths[i].data(), .iov_len = lengths[i].size()};
        // The kernel only reads.
        vectors[2 * i + 1] = {.iov_base = const_cast<std::byte*>(frames[i].bytes.data()),
                              .iov_len = frames[i].bytes.size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = 2 * frames.size();
    const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        broken_ = !would_block(errno);
        return 0;
    }
    counters_.bytes_out += static_cast<std::size_t>(sent);
    return settle(frames, static_cast<std::size_t>(sent));
}

// The kernel has taken the first `sent` bytes: counts the frames that left, keeps the rest of one
// that left in part. Returns how many frames these are.
std::size_t TcpLink::settle(std::span<const OutDatagram> frames, std::size_t sent) {
    std::size_t settled = 0;
    while (settled < frames.size() && sent > 0) {
        const std::span<const std::byte> bytes = frames[settled].bytes;
        if (sent < kFrameLengthBytes + bytes.size()) {
            backlog_.push_begun(bytes, sent);
            sent = 0;
        } else {
            sent -= kFrameLengthBytes + bytes.size();
        }
        ++settled;
    }
    counters_.frames_out += settled;
    return settled;
}

}  // namespace isthmus::media::transport
