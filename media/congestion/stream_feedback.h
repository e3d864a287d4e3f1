// RFC 8888 feedback, brought into the form of transport-wide feedback: reports by transport-wide
// number, in its order, with arrival times on one clock.
//
// Bounded by the datagram: no message tells of more packets than kReportsMax; what is beyond is
// counted and left out.
//
// Specification: RFC 8888 section 3.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "media/congestion/stream_index.h"
#include "media/rtp/rtcp_messages.h"

namespace isthmus::media::congestion {

struct StreamReport {
    std::uint16_t transport_seq = 0;
    bool received = false;
    // Nothing where the receiver does not say when.
    std::optional<Duration> arrived_at;
};

struct StreamFeedbackCounters {
    std::uint64_t unknown = 0;     // packets that were never sent, or forgotten
    std::uint64_t left_out = 0;    // beyond kReportsMax
    std::uint64_t congestion = 0;  // marked CE (RFC 3168)
};

class StreamFeedback {
  public:
    // More than two datagrams of 1500 bytes can tell of.
    static constexpr std::size_t kReportsMax = 1500;
    using Reports = std::array<StreamReport, kReportsMax>;

    // Fills `scratch` with what the message says of packets in the index, oldest first. `newest` is
    // the newest transport-wide number.
    [[nodiscard]] std::span<const StreamReport> read(const rtp::CongestionFeedback& feedback,
                                                     const StreamIndex& index,
                                                     std::uint16_t newest,
                                                     Reports& scratch);

    [[nodiscard]] const StreamFeedbackCounters& counters() const { return counters_; }

  private:
    // The report's time, unwrapped: 32 bits of 1/65536 s turn over every 18 hours.
    [[nodiscard]] Duration unwrap(std::uint32_t report_time);

    std::uint32_t last_time_ = 0;
    std::int64_t total_ = 0;  // 1/65536 s
    StreamFeedbackCounters counters_;
};

}  // namespace isthmus::media::congestion
