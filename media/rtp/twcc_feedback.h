// Tells a sender when its packets arrived, by their transport-wide sequence numbers: what the
// browser's bandwidth estimation lives on.
//
// One per connection. After every call that takes `now`, drain write_feedback() and re-arm from
// next_timeout(). Each message begins where the one before ended; a packet that comes later than
// the message that should have told of it is told of by the next, which begins at it.
//
// Specification: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

class TwccFeedback {
  public:
    // Between two messages; 50 to 250 ms.
    explicit TwccFeedback(Duration interval = std::chrono::milliseconds(100));

    // `seq` is the extension's value. Repetitions are ignored.
    void on_packet(Instant now, std::uint16_t seq);

    void handle_timeout(Instant now);

    // Writes the next message that is due; false when drained, or where it does not fit the writer:
    // then it is due still (see pending()), and goes into the next packet.
    [[nodiscard]] bool write_feedback(RtcpWriter& writer,
                                      std::uint32_t sender_ssrc,
                                      std::uint32_t media_ssrc);

    // A message is due.
    [[nodiscard]] bool pending() const { return due_; }

    // kNever while nothing has arrived since the last message.
    [[nodiscard]] Instant next_timeout() const { return next_timeout_; }

    // Packets that were not told of: too late, or too many between two messages.
    [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

  private:
    // Transport-wide numbers remembered: 1000 packets per interval at 100 Mbit/s are 100. A power
    // of two.
    static constexpr std::size_t kWindow = 1024;
    // Statuses of one message; a few of them leave room for other RTCP in a datagram.
    static constexpr std::size_t kStatusesMax = 400;

    struct Message {
        std::int32_t reference_64ms = 0;
        std::size_t count = 0;
    };

    [[nodiscard]] std::int64_t& arrival(ExtendedSeq seq) {
        return arrivals_[value_of(seq) % kWindow];
    }

    void forget(ExtendedSeq begin, ExtendedSeq end);
    Message collect();

    Duration interval_;
    SeqUnwrapper unwrapper_;
    // At seq modulo kWindow, in units of 250 us since the clock's origin; kNone where not received.
    static constexpr std::int64_t kNone = -1;
    // Allocated with the first packet: most connections only receive.
    std::vector<std::int64_t> arrivals_;
    ExtendedSeq begin_{};  // the first number that the next message tells of
    ExtendedSeq end_{};    // one behind the newest received
    bool due_ = false;
    Instant next_timeout_ = kNever;
    std::uint8_t feedback_count_ = 0;
    std::uint64_t forgotten_ = 0;
    std::array<std::int32_t, kStatusesMax> deltas_{};
};

}  // namespace isthmus::media::rtp
