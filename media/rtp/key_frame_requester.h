// Turns the wishes of many receivers for a key frame into few requests to the publisher.
//
// One per received video stream. The first wish is passed on at once, those that follow wait for
// the same key frame; the request is repeated until it comes. A wish soon after a key frame is held
// back a little: it may be from a receiver that the frame has not reached yet. After every call
// that takes `now`, drain poll_request() and re-arm from next_timeout().
//
// Specification: RFC 4585 section 6.3.1, RFC 5104 section 4.3.1.2 (repetition after a round trip).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::rtp {

class KeyFrameRequester {
  public:
    // A receiver sent PLI or FIR, or began to watch.
    void on_request(Instant now);
    // The first packet of a key frame arrived: all wishes are granted.
    void on_key_frame(Instant now);

    // To the publisher.
    void on_rtt(Duration rtt) { rtt_ = std::clamp(rtt, Duration::zero(), kWaitMax); }

    void handle_timeout(Instant now);

    // True once for each request that is to be sent now.
    [[nodiscard]] bool poll_request();

    // kNever while no key frame is wanted.
    [[nodiscard]] Instant next_timeout() const { return wanted_ ? next_request_ : kNever; }

    [[nodiscard]] bool waiting() const { return wanted_; }

    [[nodiscard]] std::uint64_t wishes() const { return wishes_; }

    [[nodiscard]] std::uint64_t requests() const { return requests_; }

    [[nodiscard]] std::uint64_t key_frames() const { return key_frames_; }

  private:
    // Encoders take some frames to obey, and key frames are large: Chromium itself sends no more
    // than one every 300 ms.
    static constexpr Duration kWaitMin = std::chrono::milliseconds(300);
    static constexpr Duration kWaitMax = std::chrono::seconds(2);

    [[nodiscard]] Duration wait() const { return std::max(kWaitMin, rtt_ + rtt_ / 2); }

    Duration rtt_ = std::chrono::milliseconds(100);
    bool wanted_ = false;
    Instant now_{};
    Instant next_request_ = Instant::min();  // not before
    std::uint64_t wishes_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t key_frames_ = 0;
};

}  // namespace isthmus::media::rtp
