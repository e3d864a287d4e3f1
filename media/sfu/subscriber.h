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

    // The sections are these now. Returns what is left of those that are not among them, which
    // carries nothing any more.
    std::vector<std::unique_ptr<Subscription>> renegotiate(std::span<const MediaSection> sections);

    // True where a free section took the track. `watches`: see Subscription.
    bool subscribe(Instant now, PublishedTrack& track, bool watches);
    // Of those who name tracks. `track` is there: sections that want it get it.
    void bind_wanted(Instant now, PublishedTrack& track);

    // Every section carries the track that it wants, as far as `find` (id -> PublishedTrack*, null
    // where there is none) knows it.
    template <typename Find>
    void bind_all_wanted(Instant now, Find&& find) {
        for (const auto& subscription : subscriptions_) {
            const std::string& wanted = subscription->wanted_track();
            if (subscription->track() != nullptr && !is_wanted(*subscription)) {
                subscription->unbind();
            }
            if (subscription->track() == nullptr && !wanted.empty()) {
                if (PublishedTrack* track = find(wanted); track != nullptr) {
                    bind_if_taken(now, *subscription, *track);
                }
            }
        }
    }

    // True where something was ended.
    bool unsubscribe_from(const TrackOwner& owner);
    bool unsubscribe_from(const PublishedTrack& track);
    void unsubscribe_all();
    [[nodiscard]] bool has_free_section() const;
    // Of the section called `mid` (of an audio one `paused` counts), or of all videos where it is
    // empty. False where there is none.
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
    [[nodiscard]] static bool is_wanted(const Subscription& subscription);
    static void bind_if_taken(Instant now, Subscription& subscription, PublishedTrack& track);
    void add(const MediaSection& section);
    template <typename Condition>
    bool unsubscribe_if(Condition&& condition);

    Downlink& downlink_;
    SfuLimits limits_;
    std::string cname_;
    RandomSource& random_;
    std::vector<std::unique_ptr<Subscription>> subscriptions_;
};

}  // namespace isthmus::media::sfu
