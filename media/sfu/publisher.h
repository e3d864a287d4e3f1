// What one client sends: finds out which track each packet belongs to, and tells the client how it
// arrives.
//
// Sans-I/O. Owns the tracks. Routes by SSRC once it is known; the first packet of an SSRC is placed
// by its MID, by what the SDP announced, or by a payload type that only one section has.
// Specification: RFC 8843 section 9.2 (association of packets with sections), RFC 4588, RFC 8852.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/random.h"
#include "base/time.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/rtcp_messages.h"
#include "media/rtp/rtp_clock.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/twcc_feedback.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/connection_meter.h"
#include "media/sfu/limits.h"
#include "media/sfu/published_track.h"
#include "media/sfu/rtcp_sender.h"
#include "media/sfu/token_bucket.h"

namespace isthmus::media::sfu {

// What a new description made of the tracks.
struct TrackChanges {
    std::vector<std::unique_ptr<PublishedTrack>> ended;  // to be kept until nobody knows them
    std::vector<PublishedTrack*> begun;
};

class Publisher {
  public:
    // `source_base`: see InboundStream::source; its lower eight bits are free.
    Publisher(std::span<const MediaSection> sections,
              TrackOwner& owner,
              const SfuLimits& limits,
              std::uint32_t source_base,
              RandomSource& random);

    // The sections are these now. A track whose section goes on unchanged goes on.
    [[nodiscard]] TrackChanges renegotiate(std::span<const MediaSection> sections,
                                           RandomSource& random);

    // One decrypted packet; may be changed (RTX is restored in place).
    void handle_rtp(Instant now, std::span<std::byte> packet, WorkerStats& stats);
    void handle_sender_report(Instant now, const rtp::SenderReport& report);

    // `tell` is called with each video of which more or less is wanted now, and how much.
    template <typename Tell>
    void poll_demands(Instant now, Tell&& tell) {
        for (const auto& track : tracks_) {
            if (const std::optional<WantedSize> wanted = track->poll_demand(now)) {
                tell(*track, *wanted);
            }
        }
    }

    // Of all streams.
    [[nodiscard]] ConnectionMeter::Received received() const;

    // To and from the publisher; when to ask again depends on it.
    void on_rtt(Duration rtt);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;
    // NACK, PLI and transport-wide feedback that is due.
    void send_feedback(RtcpSender& rtcp, WorkerStats& stats);
    // One report block per stream; ends the interval they are about.
    void append_report_blocks(Instant now, std::vector<rtp::ReportBlock>& blocks);

    [[nodiscard]] const rtp::ExtensionIds& extension_ids() const { return extension_ids_; }

    [[nodiscard]] const rtp::HeaderExtensionParser& extension_parser() const {
        return extension_parser_;
    }

    [[nodiscard]] const std::vector<std::unique_ptr<PublishedTrack>>& tracks() const {
        return tracks_;
    }

  private:
    struct Route {
        PublishedTrack* track = nullptr;
        InboundStream* stream = nullptr;  // that of the original, for RTX; null before it is known
        bool rtx = false;
    };

    // Ids are the same in all sections of a BUNDLE, and for its life.
    void learn_extensions(std::span<const MediaSection> sections);
    PublishedTrack& add_track(const MediaSection& section, RandomSource& random);
    [[nodiscard]] Route* find_route(const rtp::RtpPacketView& packet,
                                    const rtp::HeaderExtensions& extensions);
    [[nodiscard]] PublishedTrack* find_track(const rtp::RtpPacketView& packet,
                                             const rtp::HeaderExtensions& extensions) const;
    bool handle_media(Instant now,
                      Route& route,
                      const rtp::RtpPacketView& packet,
                      const rtp::HeaderExtensions& extensions);
    bool handle_rtx(Instant now,
                    Route& route,
                    std::span<std::byte> bytes,
                    const rtp::RtpPacketView& packet,
                    const rtp::HeaderExtensions& extensions);
    void send_stream_feedback(PublishedTrack& track,
                              InboundStream& stream,
                              RtcpSender& rtcp,
                              WorkerStats& stats);

    TrackOwner& owner_;
    SfuLimits limits_;
    std::vector<std::unique_ptr<PublishedTrack>> tracks_;
    boost::unordered_flat_map<std::uint32_t, Route> routes_;
    rtp::ExtensionIds extension_ids_;
    rtp::HeaderExtensionParser extension_parser_;
    rtp::TwccFeedback twcc_;
    bool twcc_negotiated_ = false;
    std::uint32_t twcc_media_ssrc_ = 0;  // any stream of the connection: the last heard
    rtp::SourceClock source_clock_;
    TokenBucket publish_rate_;
    std::uint32_t next_source_ = 0;
    std::uint8_t fir_command_ = 0;
};

}  // namespace isthmus::media::sfu
