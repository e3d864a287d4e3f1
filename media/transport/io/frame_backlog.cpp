#include "media/transport/io/frame_backlog.h"

#include "base/check.h"
#include "media/transport/stream_framing.h"

namespace isthmus::media::transport {

namespace {

// Kept for the next time it gets tight; above it, an empty backlog gives its memory back.
constexpr std::size_t kIdleBytesMax = std::size_t{16} * 1024;

}  // namespace

bool FrameBacklog::push(Instant now, std::span<const std::byte> frame) {
    const std::size_t needed = kFrameLengthBytes + frame.size();
    if (bytes() + needed > limits_.bytes) {
        return false;
    }
    compact();
    const auto length = frame_length_field(frame.size());
    stream_.insert(stream_.end(), length.begin(), length.end());
    stream_.insert(stream_.end(), frame.begin(), frame.end());
    frames_.push_back({.pushed = now, .bytes = needed});
    return true;
}

void FrameBacklog::push_begun(std::span<const std::byte> frame, std::size_t sent) {
    CHECK(empty() && sent < kFrameLengthBytes + frame.size());
    const auto length = frame_length_field(frame.size());
    begun_.assign(length.begin(), length.end());
    begun_.insert(begun_.end(), frame.begin(), frame.end());
    begun_sent_ = sent;
}

std::size_t FrameBacklog::expire(Instant now) {
    std::size_t dropped = 0;
    while (frames() > 0 && now - frames_[frames_head_].pushed > limits_.age) {
        drop_front();
        ++dropped;
    }
    return dropped;
}

std::span<const std::byte> FrameBacklog::front() const {
    if (begun_sent_ < begun_.size()) {
        return std::span(begun_).subspan(begun_sent_);
    }
    return std::span(stream_).subspan(stream_head_);
}

void FrameBacklog::consume(std::size_t bytes) {
    CHECK(bytes <= front().size());
    if (begun_sent_ < begun_.size()) {
        begun_sent_ += bytes;
        if (begun_sent_ == begun_.size()) {
            begun_.clear();
            begun_sent_ = 0;
        }
        return;
    }
    while (bytes > 0 && bytes >= frames_[frames_head_].bytes) {
        bytes -= frames_[frames_head_].bytes;
        drop_front();
    }
    if (bytes > 0) {
        const auto rest =
            std::span(stream_).subspan(stream_head_, frames_[frames_head_].bytes).subspan(bytes);
        begun_.assign(rest.begin(), rest.end());
        begun_sent_ = 0;
        drop_front();
    }
}

std::size_t FrameBacklog::bytes() const {
    return begun_.size() - begun_sent_ + stream_.size() - stream_head_;
}

std::size_t FrameBacklog::frames() const {
    return frames_.size() - frames_head_;
}

void FrameBacklog::drop_front() {
    stream_head_ += frames_[frames_head_].bytes;
    ++frames_head_;
    if (frames_head_ != frames_.size()) {
        return;
    }
    stream_.clear();
    frames_.clear();
    stream_head_ = 0;
    frames_head_ = 0;
    if (stream_.capacity() > kIdleBytesMax) {
        stream_.shrink_to_fit();
        frames_.shrink_to_fit();
    }
}

void FrameBacklog::compact() {
    // Rarely enough that moving costs less than a byte per byte.
    if (stream_head_ < stream_.size() / 2) {
        return;
    }
    stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(stream_head_));
    frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(frames_head_));
    stream_head_ = 0;
    frames_head_ = 0;
}

}  // namespace isthmus::media::transport
