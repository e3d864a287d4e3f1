// Tells a sender when its packets arrived, by SSRC and RTP sequence number: what those send who do
// not number their packets transport-wide (twcc_feedback.h).
//
// One per connection. After every call that takes `now`, drain write_feedback() and re-arm from
// next_timeout(). Of each stream a message tells of what is new and, since messages get lost, once
// more of the few packets before. Bounded: a sender that invents SSRCs is told of the first few.
//
// Specification: RFC 8888.
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

class CcfbFeedback {
  public:
    // Between two messages; 50 to 250 ms.
    explicit CcfbFeedback(Duration interval = std::chrono::milliseconds(100));

    // `ecn`: of the packet's IP header, 0 where that is not known.
    void on_packet(Instant now, std::uint32_t ssrc, std::uint16_t seq, std::uint8_t ecn = 0);

    void handle_timeout(Instant now);

    // Writes the next message that is due; false when drained, or where it does not fit the writer:
    // then it is due still.
    [[nodiscard]] bool write_feedback(Instant now, RtcpWriter& writer, std::uint32_t sender_ssrc);

    [[nodiscard]] bool pending() const { return due_; }

    // kNever while nothing has arrived since the last message.
    [[nodiscard]] Instant next_timeout() const { return next_timeout_; }

    // Packets that were not told of: too late, or of one SSRC too many.
    [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

  private:
    static constexpr std::size_t kStreamsMax = 64;
    // Remembered of each stream, a power of two: 250 ms at 16 Mbit/s.
    static constexpr std::size_t kWindow = 512;
    // Of all streams, in one message: 800 bytes.
    static constexpr std::size_t kPacketsMax = 400;

    struct Arrival {
        Instant at = kNever;  // kNever where not received
        std::uint8_t ecn = 0;
    };

    struct Stream {
        std::uint32_t ssrc = 0;
        SeqUnwrapper unwrapper;
        ExtendedSeq first{};  // ever received
        ExtendedSeq begin{};  // the first number that the next message tells of
        ExtendedSeq end{};    // one behind the newest received
        std::vector<Arrival> arrivals = std::vector<Arrival>(kWindow);  // at seq modulo kWindow

        [[nodiscard]] Arrival& arrival(ExtendedSeq seq) {
            return arrivals[value_of(seq) % kWindow];
        }
    };

    [[nodiscard]] Stream* stream_of(std::uint32_t ssrc);
    static void make_room(Stream& stream, ExtendedSeq seq);
    // Fills metrics_ from `used` on, if there is anything new.
    RtcpWriter::StreamMetrics tell(Instant now, Stream& stream, std::size_t used);

    Duration interval_;
    std::vector<Stream> streams_;
    bool due_ = false;
    Instant next_timeout_ = kNever;
    std::uint64_t forgotten_ = 0;
    std::array<PacketMetric, kPacketsMax> metrics_{};
};

}  // namespace isthmus::media::rtp
