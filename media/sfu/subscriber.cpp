#include "media/sfu/subscriber.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "media/sfu/published_track.h"

namespace isthmus::media::sfu {
namespace {

// Takes up to one packet's worth of blocks from the end.
std::span<const rtp::ReportBlock> take_blocks(std::vector<rtp::ReportBlock>& blocks,
                                              std::vector<rtp::ReportBlock>& taken) {
    const std::size_t count = std::min(blocks.size(), rtp::kReportBlocksMax);
    taken.assign(blocks.end() - static_cast<std::ptrdiff_t>(count), blocks.end());
    blocks.resize(blocks.size() - count);
    return taken;
}

}  // namespace

Subscriber::Subscriber(std::span<const MediaSection> sections,
                       Downlink& downlink,
                       const SfuLimits& limits,
                       const std::string& cname,
                       RandomSource& random)
    : downlink_(downlink), limits_(limits), cname_(cname), random_(random) {
    for (const MediaSection& section : sections) {
        if (is_sending(section)) {
            add(section);
        }
    }
}

void Subscriber::add(const MediaSection& section) {
    SenderDescription description{.mid = section.mid,
                                  .ssrc = random_.next_u32(),
                                  .rtx_ssrc = {},
                                  .cname = cname_,
                                  .stream_id = cname_,
                                  .track_id = random_.next_token(16)};
    if (has_rtx(section)) {
        description.rtx_ssrc = random_.next_u32();
    }
    if (section.flexfec_payload_type) {
        description.fec_ssrc = random_.next_u32();
    }
    subscriptions_.push_back(std::make_unique<Subscription>(
        section, std::move(description), downlink_, limits_, random_));
}

std::vector<std::unique_ptr<Subscription>> Subscriber::renegotiate(
    std::span<const MediaSection> sections) {
    boost::unordered_flat_map<std::string_view, const MediaSection*> left;
    for (const MediaSection& section : sections) {
        left.emplace(section.mid, &section);
    }
    std::vector<std::unique_ptr<Subscription>> ended;
    for (auto& subscription : subscriptions_) {
        const auto now = left.find(subscription->section().mid);
        if (now != left.end() && now->second->kind == subscription->section().kind) {
            subscription->renegotiate(*now->second, random_);
            left.erase(now);
        } else {
            subscription->unbind();
            ended.push_back(std::move(subscription));
        }
    }
    std::erase(subscriptions_, nullptr);
    for (const MediaSection& section : sections) {
        if (left.erase(section.mid) != 0 && is_sending(section)) {
            add(section);
        }
    }
    return ended;
}

bool Subscriber::subscribe(Instant now, PublishedTrack& track, bool watches) {
    for (const auto& subscription : subscriptions_) {
        if (subscription->track() == &track) {
            return false;
        }
    }
    for (const auto& subscription : subscriptions_) {
        if (subscription->fits(track)) {
            subscription->bind(now, track, watches);
            return true;
        }
    }
    return false;
}

void Subscriber::bind_wanted(Instant now, PublishedTrack& track) {
    for (const auto& subscription : subscriptions_) {
        if (subscription->track() == nullptr && subscription->wanted_track() == track.id()) {
            bind_if_taken(now, *subscription, track);
        }
    }
}

bool Subscriber::is_wanted(const Subscription& subscription) {
    return subscription.track()->id() == subscription.wanted_track();
}

void Subscriber::bind_if_taken(Instant now, Subscription& subscription, PublishedTrack& track) {
    if (subscription.takes(track)) {
        subscription.bind(now, track);
    }
}

template <typename Condition>
bool Subscriber::unsubscribe_if(Condition&& condition) {
    bool ended = false;
    for (const auto& subscription : subscriptions_) {
        if (subscription->track() != nullptr && condition(*subscription->track())) {
            subscription->unbind();
            ended = true;
        }
    }
    return ended;
}

bool Subscriber::unsubscribe_from(const TrackOwner& owner) {
    return unsubscribe_if(
        [&owner](const PublishedTrack& track) { return &track.owner() == &owner; });
}

bool Subscriber::unsubscribe_from(const PublishedTrack& ending) {
    return unsubscribe_if([&ending](const PublishedTrack& track) { return &track == &ending; });
}

void Subscriber::unsubscribe_all() {
    for (const auto& subscription : subscriptions_) {
        subscription->unbind();
    }
}

bool Subscriber::has_free_section() const {
    return std::ranges::any_of(subscriptions_, [](const auto& subscription) {
        return subscription->track() == nullptr && subscription->sends();
    });
}

bool Subscriber::send_padding(Instant now,
                              const congestion::ProbeSend& probe,
                              EgressBatch& batch,
                              transport::DatagramSink& sink) const {
    return std::ranges::any_of(subscriptions_, [&](const auto& subscription) {
        return subscription->send_padding(now, probe, batch, sink);
    });
}

bool Subscriber::set_layer_wish(Instant now, std::string_view mid, const LayerWish& wish) {
    bool found = false;
    for (const auto& subscription : subscriptions_) {
        if (subscription->video() != nullptr &&
            (mid.empty() || subscription->section().mid == mid)) {
            subscription->video()->set_wish(now, wish);
            found = true;
        } else if (!mid.empty() && subscription->section().mid == mid) {
            subscription->set_paused(wish.paused);
            found = true;
        }
    }
    return found;
}

Subscription* Subscriber::find(std::uint32_t ssrc) const {
    const auto found = std::ranges::find_if(subscriptions_, [ssrc](const auto& subscription) {
        return subscription->ssrc() == ssrc || subscription->rtx_ssrc() == ssrc;
    });
    return found == subscriptions_.end() ? nullptr : found->get();
}

congestion::ReportedLoss Subscriber::handle_report_blocks(
    rtp::NtpTime now, const rtp::WireList<rtp::ReportBlock>& blocks) const {
    congestion::ReportedLoss reported;
    for (const rtp::ReportBlock block : blocks) {
        Subscription* subscription = find(block.ssrc);
        if (subscription != nullptr && subscription->ssrc() == block.ssrc) {
            subscription->handle_report_block(now, block, reported);
        }
    }
    return reported;
}

void Subscriber::send_reports(Instant now,
                              rtp::NtpTime ntp,
                              std::vector<rtp::ReportBlock>& blocks,
                              RtcpSender& rtcp) const {
    std::vector<rtp::ReportBlock> taken;
    for (const auto& subscription : subscriptions_) {
        const auto info = subscription->make_sender_info(now, ntp);
        if (!info) {
            continue;
        }
        const auto with = take_blocks(blocks, taken);
        rtcp.add([&](rtp::RtcpWriter& writer) {
            return writer.sender_report(subscription->ssrc(), *info, with) &&
                   writer.cname(subscription->ssrc(), subscription->description().cname);
        });
    }
    while (!blocks.empty()) {
        const auto with = take_blocks(blocks, taken);
        rtcp.add([&](rtp::RtcpWriter& writer) {
            return writer.receiver_report(rtcp.identity().ssrc, with) &&
                   writer.cname(rtcp.identity().ssrc, rtcp.identity().cname);
        });
    }
}

}  // namespace isthmus::media::sfu
