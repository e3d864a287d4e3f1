// Sees one received video stream as its viewer does: which frames became whole in order, how long
// the picture stood still, how long the first key frame took.
//
// Fed with every packet that arrived for the first time, in any order. A frame is whole when all
// packets up to its last one (the marker) are there; a gap stops the picture until it is filled, or
// until a later key frame begins. A freeze is a pause between two whole frames of more than three
// times the usual one, and more than 150 ms longer than it (W3C webrtc-stats, freezeCount). Frames
// without a marker are not told apart. Nothing is allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::client {

struct FrameCounters {
    std::uint64_t frames = 0;      // whole, in order
    std::uint64_t key_starts = 0;  // key frames that began
    std::uint64_t skips = 0;       // gaps that a key frame ended
    std::uint64_t freezes = 0;
    Duration frozen{};
};

class FrameWatch {
  public:
    // `key_start`: the first packet of a key frame.
    void on_packet(Instant now, rtp::ExtendedSeq seq, bool marker, bool key_start);

    // The first packet is there and no key frame has begun yet.
    [[nodiscard]] bool waits_for_key_frame() const { return seen_ && !playing_; }

    // Since when a gap stops the picture; nothing while it moves.
    [[nodiscard]] std::optional<Instant> stalled_since() const { return stalled_since_; }

    // When the first whole frame was there.
    [[nodiscard]] std::optional<Instant> first_frame_at() const { return first_frame_at_; }

    [[nodiscard]] const FrameCounters& counters() const { return counters_; }

    // With the pause that lasts at `now`, if it is a freeze.
    [[nodiscard]] Duration frozen(Instant now) const;

  private:
    // Packets remembered behind a gap: two seconds of 4 Mbit/s. A power of two.
    static constexpr std::size_t kWindow = 1024;
    static constexpr Duration kFreezeExtra = std::chrono::milliseconds(150);
    // The usual pause is a mean over about so many frames.
    static constexpr int kSmoothing = 30;

    enum class Slot : std::uint8_t { kEmpty, kPacket, kLastOfFrame };

    [[nodiscard]] Slot& slot(rtp::ExtendedSeq seq) { return slots_[value_of(seq) % kWindow]; }

    void begin_at(rtp::ExtendedSeq seq);
    void advance_over(Instant now);
    void on_whole_frame(Instant now);
    [[nodiscard]] bool is_freeze(Duration pause) const;

    bool seen_ = false;
    bool playing_ = false;     // a key frame has begun; otherwise next_ and end_ mean nothing
    rtp::ExtendedSeq next_{};  // the first packet not yet there
    rtp::ExtendedSeq end_{};   // one behind the newest
    std::array<Slot, kWindow> slots_{};
    std::optional<Instant> stalled_since_;
    std::optional<Instant> first_frame_at_;
    Instant last_frame_at_{};
    Duration usual_pause_{};
    FrameCounters counters_;
};

}  // namespace isthmus::media::client
