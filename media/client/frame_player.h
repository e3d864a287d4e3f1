// Plays a recording at its pace, over and over; begins anew at the key frame where one is wanted.
//
// All layers of a simulcast are played by one player each, with one clock. Late calls do not pile
// up: after a pause of more than kBehindMax it goes on from now.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/time.h"
#include "media/client/recording.h"

namespace isthmus::media::client {

class FramePlayer {
  public:
    FramePlayer(std::shared_ptr<const Recording> recording, Duration frame_interval)
        : recording_(std::move(recording)), interval_(frame_interval) {}

    // The first frame is due at `first`; until this call none is.
    void begin(Instant first) { next_at_ = first; }

    [[nodiscard]] Instant next_timeout() const { return next_at_; }

    void request_key_frame() { key_frame_wanted_ = true; }

    // The frame that is due, or null.
    [[nodiscard]] const RecordedFrame* poll(Instant now) {
        if (now < next_at_ || recording_->frames.empty()) {
            return nullptr;
        }
        taken_at_ = std::exchange(next_at_, next_at_ + interval_);
        if (now - next_at_ > kBehindMax) {
            skipped_ += static_cast<std::uint64_t>((now - next_at_) / interval_);
            taken_at_ = now;
            next_at_ = now + interval_;
        }
        if (std::exchange(key_frame_wanted_, false)) {
            at_ = 0;
        } else if (at_ == recording_->frames.size()) {
            // Nobody decodes a filler, so it needs no key frame to go on.
            at_ = recording_->filler && recording_->frames.size() > 1 ? 1 : 0;
        }
        return &recording_->frames[at_++];
    }

    // When the frame that poll() gave last was due: it was taken then, however late the caller is.
    [[nodiscard]] Instant taken_at() const { return taken_at_; }

    // Frames that were not played because the caller was late.
    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

  private:
    static constexpr Duration kBehindMax = std::chrono::milliseconds(250);

    std::shared_ptr<const Recording> recording_;
    Duration interval_;
    Instant next_at_ = kNever;
    Instant taken_at_{};
    std::size_t at_ = 0;
    bool key_frame_wanted_ = false;
    std::uint64_t skipped_ = 0;
};

}  // namespace isthmus::media::client
