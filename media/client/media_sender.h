// The sending half of a client: its streams, and the RTCP about them.
//
// Sans-I/O: after every call that takes `now`, drain write_rtcp() and re-arm from next_timeout().
// Leaves out: what is sent and when (frame_player.h, talk_spurts.h), bandwidth estimation: a load
// generator sends what it was told to.
// Specification: RFC 3550 section 6.4.1, RFC 4585, RFC 5104 section 4.3.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/client/outbound_stream.h"
#include "media/rtp/ntp_time.h"

namespace isthmus::media::client {

class MediaSender {
  public:
    // `cname` names us in reports; `first_report` spreads those of many clients.
    MediaSender(rtp::NtpClock ntp, std::string cname, Instant first_report);

    // Returns its place.
    std::size_t add_stream(OutboundStreamConfig config, RandomSource& random);

    [[nodiscard]] OutboundStream& stream(std::size_t place) { return streams_[place]; }

    [[nodiscard]] const std::vector<OutboundStream>& streams() const { return streams_; }

    void handle_rtcp(Instant now, std::span<const std::byte> packet, SendContext context);

    [[nodiscard]] Instant next_timeout() const { return streams_.empty() ? kNever : report_at_; }

    // Writes one compound packet that is due; 0 bytes when drained. `out` has kRtcpBytesMax.
    [[nodiscard]] std::size_t write_rtcp(Instant now, std::span<std::byte> out);
    static constexpr std::size_t kRtcpBytesMax = 1200;

    // RTCP that did not parse.
    [[nodiscard]] std::uint64_t bad() const { return bad_; }

  private:
    struct RtcpHandler;

    static constexpr Duration kReportInterval = std::chrono::seconds(1);  // Chromium's, video

    [[nodiscard]] OutboundStream* find(std::uint32_t ssrc);

    rtp::NtpClock ntp_;
    std::string cname_;
    Instant report_at_;
    std::vector<OutboundStream> streams_;
    std::uint64_t bad_ = 0;
};

}  // namespace isthmus::media::client
