// What one client is sent: one Subscription per media section, and who of them an RTCP message is
// for.
//
// Sans-I/O. Owns the subscriptions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/rtp/ntp_time.h"
#include "media/rtp/rtcp_messages.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/limits.h"
#include "media/sfu/rtcp_sender.h"
#include "media/sfu/subscription.h"

namespace isthmus::media::sfu {

class PublishedTrack;
class TrackOwner;

class Subscriber {
  public:
    // `cname` and `stream_id`: the same for all sections, since the node's sender reports put all
    // publishers on one clock.
    Subscriber(std::span<const MediaSection> sections,
               Downlink& downlink,
               const SfuLimits& limits,
               const std::string& cname,
               RandomSource& random);

    // True where a free section took the track.
    bool subscribe(Instant now, PublishedTrack& track);
    // True where something was ended.
    bool unsubscribe_from(const TrackOwner& owner);
    void unsubscribe_all();
    [[nodiscard]] bool has_free_section() const;
    // Of the video sections called `mid`, or of all where it is empty. False where there is none.
    bool set_layer_wish(Instant now, std::string_view mid, const LayerWish& wish);

    // Null where the SSRC, media or RTX, is none of ours.
    [[nodiscard]] Subscription* find(std::uint32_t ssrc) const;
    // What they say of all streams together.
    [[nodiscard]] congestion::ReportedLoss handle_report_blocks(
        rtp::NtpTime now, const rtp::WireList<rtp::ReportBlock>& blocks) const;
    // One packet for a probe: of whichever section can repeat one. False where none can.
    bool send_padding(Instant now,
                      const congestion::ProbeSend& probe,
                      EgressBatch& batch,
                      transport::DatagramSink& sink) const;
    // A sender report per section that carries media; each with as many of `blocks` as are left.
    void send_reports(Instant now,
                      rtp::NtpTime ntp,
                      std::vector<rtp::ReportBlock>& blocks,
                      RtcpSender& rtcp) const;

    [[nodiscard]] const std::vector<std::unique_ptr<Subscription>>& subscriptions() const {
        return subscriptions_;
    }

  private:
    std::vector<std::unique_ptr<Subscription>> subscriptions_;
};

}  // namespace isthmus::media::sfu
