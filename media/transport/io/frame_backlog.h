// What a TCP connection could not take at once: whole frames, for half a second at most.
//
// Sans-I/O. A frame is lost whole or sent whole: one whose beginning has left stays until its end
// has. Holds no memory until something waits. Specification: RFC 4571 section 2 for the frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"

namespace isthmus::media::transport {

struct FrameBacklogLimits {
    // Media that waited longer is of no use to a meeting; a receiver asks for a key frame sooner
    // than it would catch up.
    Duration age = std::chrono::milliseconds(500);
    // Half a second at 8 Mbit/s.
    std::size_t bytes = std::size_t{512} * 1024;
};

class FrameBacklog {
  public:
    explicit FrameBacklog(const FrameBacklogLimits& limits) : limits_(limits) {}

    // Queues a whole frame, at most kFrameBytesMax; returns false where it does not fit.
    [[nodiscard]] bool push(Instant now, std::span<const std::byte> frame);

    // Queues the rest of a frame, of which `sent` bytes, the length field counted, have left. Only
    // while empty().
    void push_begun(std::span<const std::byte> frame, std::size_t sent);

    // Drops the frames that waited too long; returns how many.
    std::size_t expire(Instant now);

    // The stream from its next byte on: the rest of a begun frame, or all whole frames, with their
    // length fields. Valid until the next call.
    [[nodiscard]] std::span<const std::byte> front() const;

    // The first `bytes` of front() have been sent.
    void consume(std::size_t bytes);

    [[nodiscard]] bool empty() const { return bytes() == 0; }

    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] std::size_t frames() const;

  private:
    struct Frame {
        Instant pushed;
        std::size_t bytes = 0;  // with the length field
    };

    void drop_front();
    void compact();

    FrameBacklogLimits limits_;
    std::vector<std::byte> begun_;
    std::size_t begun_sent_ = 0;
    std::vector<std::byte> stream_;  // whole frames, from stream_head_ on
    std::size_t stream_head_ = 0;
    std::vector<Frame> frames_;  // of stream_, from frames_head_ on
    std::size_t frames_head_ = 0;
};

}  // namespace isthmus::media::transport
