// The receiving half of a client: all streams of one connection, heard as a browser hears them.
//
// Finds the stream of a packet by SSRC or MID, turns retransmissions into what they repair, and
// writes the RTCP that a browser would: receiver reports, transport-wide feedback or that of RFC
// 8888, NACK, PLI.
// Sans-I/O: after every call that takes `now`, drain write_rtcp() and re-arm from next_timeout().
// Nothing is allocated per packet.
//
// Leaves out: REMB (the sender estimates), FIR, RED and FEC.
// Specification: RFC 3550, RFC 4585, RFC 4588, RFC 5506, RFC 8888, RFC 9143 section 9.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/client/client_section.h"
#include "media/client/inbound_stream.h"
#include "media/rtp/ccfb_feedback.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/rtcp_writer.h"
#include "media/rtp/twcc_feedback.h"

namespace isthmus::media::client {

struct ReceivedPayload {
    rtp::MediaKind kind = rtp::MediaKind::kAudio;
    std::size_t bytes = 0;           // payload
    std::optional<Instant> sent_at;  // of a payload that ends in a stamp, see payload_stamp.h
};

struct ReceiverCounters {
    std::uint64_t packets = 0;  // RTP that parsed, of whatever kind
    std::uint64_t bad = 0;      // RTP or RTCP that did not parse
    std::uint64_t unknown = 0;  // RTP of no section
    std::uint64_t retransmissions = 0;
    std::uint64_t paddings = 0;  // packets without payload: probes
    std::uint64_t reports = 0;   // sender reports
    std::uint64_t goodbyes = 0;
};

class MediaReceiver {
  public:
    // `ssrc` and `cname` name us in reports; `first_report` spreads those of many clients.
    MediaReceiver(std::span<const ClientSection> sections,
                  std::uint32_t ssrc,
                  std::string cname,
                  Instant first_report);

    // A decrypted packet, which is changed in place where it is a retransmission. Nothing where it
    // carried no media.
    std::optional<ReceivedPayload> handle_rtp(Instant now, std::span<std::byte> packet);
    void handle_rtcp(Instant now, std::span<const std::byte> packet);

    // To the sender; how long a retransmission takes.
    void on_rtt(Duration rtt);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // Writes one compound packet that is due; 0 bytes when drained. `out` has kRtcpBytesMax.
    [[nodiscard]] std::size_t write_rtcp(Instant now, std::span<std::byte> out);
    static constexpr std::size_t kRtcpBytesMax = 1200;

    [[nodiscard]] const std::vector<InboundStream>& streams() const { return streams_; }

    [[nodiscard]] const ReceiverCounters& counters() const { return counters_; }

  private:
    // More than any node sends to one client; a peer that invents SSRCs must not make us grow.
    static constexpr std::size_t kStreamsMax = 64;
    static constexpr Duration kReportInterval = std::chrono::seconds(1);  // Chromium's, video

    // What one SSRC is: media, or the retransmissions of it.
    struct Route {
        std::uint32_t ssrc = 0;
        std::uint16_t stream = 0;
        std::uint16_t section = 0;
        bool rtx = false;
    };

    [[nodiscard]] const Route* route_of(const rtp::RtpPacketView& packet,
                                        const rtp::HeaderExtensions& extensions);
    [[nodiscard]] const Route* learn_route(const rtp::RtpPacketView& packet,
                                           const rtp::HeaderExtensions& extensions);
    std::uint16_t add_stream(std::uint16_t section, std::uint32_t ssrc);
    std::optional<ReceivedPayload> handle_retransmission(Instant now,
                                                         const Route& route,
                                                         const rtp::RtpPacketView& rtx,
                                                         std::span<std::byte> packet);
    [[nodiscard]] ReceivedPayload describe(const Route& route,
                                           const rtp::RtpPacketView& packet) const;

    [[nodiscard]] bool write_reports(Instant now, rtp::RtcpWriter& writer);
    [[nodiscard]] bool wishes_due(Instant now) const;
    void write_wishes(Instant now, rtp::RtcpWriter& writer);
    void tell_arrival(Instant now,
                      const rtp::RtpPacketView& packet,
                      const rtp::HeaderExtensions& extensions);

    std::vector<ClientSection> sections_;
    std::uint32_t ssrc_;
    std::string cname_;
    bool reduced_size_ = true;
    rtp::HeaderExtensionParser extensions_;
    bool needs_extensions_ = false;
    std::vector<Route> routes_;
    std::size_t last_route_ = 0;
    std::vector<InboundStream> streams_;
    std::optional<rtp::TwccFeedback> twcc_;
    std::optional<rtp::CcfbFeedback> ccfb_;
    Instant report_at_;
    ReceiverCounters counters_;
};

}  // namespace isthmus::media::client
