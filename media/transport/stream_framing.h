// Datagrams in a TCP stream: each behind its length in two bytes.
//
// StreamDeframer finds whole frames in the caller's read buffer and keeps only what a read left of
// an incomplete one, so that a connection that waits holds next to no memory. Null frames (length
// 0) are skipped. What the frames are is the caller's matter. Specification: RFC 4571 section 2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

namespace isthmus::media::transport {

inline constexpr std::size_t kFrameLengthBytes = 2;
inline constexpr std::size_t kFrameBytesMax = 65535;

enum class FramingError : std::uint8_t {
    kTooLong,  // a frame above the limit: the stream cannot be followed any more
};

class StreamDeframer {
  public:
    // `frame_bytes_max` is without the length field.
    explicit StreamDeframer(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

    // Holds for frames whose length field has not been read yet.
    void set_frame_bytes_max(std::size_t bytes) { frame_bytes_max_ = bytes; }

    // What begin() puts in front; the buffer must be longer.
    [[nodiscard]] std::size_t kept_bytes() const { return kept_.size(); }

    // Starts a read into `buffer`. New bytes go to the span that comes back, behind the kept ones.
    [[nodiscard]] std::span<std::byte> begin(std::span<std::byte> buffer);

    // `received` bytes are there. After this, next() until it gives nothing, then end().
    void received(std::size_t bytes);

    // The next whole frame: a view into the buffer. Nothing where the rest is incomplete.
    [[nodiscard]] std::expected<std::optional<std::span<std::byte>>, FramingError> next();

    // Keeps the incomplete rest for the next read; the buffer is free for others.
    void end();

  private:
    std::size_t frame_bytes_max_;
    std::vector<std::byte> kept_;
    std::span<std::byte> buffer_;
    std::span<std::byte> unread_;
};

// The length field of a frame of `bytes`, which is at most kFrameBytesMax.
[[nodiscard]] std::array<std::byte, kFrameLengthBytes> frame_length_field(std::size_t bytes);

}  // namespace isthmus::media::transport
