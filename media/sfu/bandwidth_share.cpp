#include "media/sfu/bandwidth_share.h"

#include <algorithm>
#include <span>

#include "media/sfu/published_track.h"
#include "media/sfu/video_follower.h"

namespace isthmus::media::sfu {
namespace {

// Headers of RTP, SRTP, UDP and IP on packets of the usual size.
constexpr double kOverheadOfVideo = 1.06;
// 50 packets a second, 70 bytes each.
constexpr double kOverheadOfAudioBps = 50 * 70 * 8;

DataRate rate_of(double bits_per_second) {
    return DataRate::bps(static_cast<std::int64_t>(bits_per_second));
}

// Motion below this is no motion. 15 a second, less what cameras miss it by.
constexpr double kSmoothFps = 12;

bool is_measured(const TrackLayer& layer) {
    return layer.alive && layer.bits_per_second > 0;
}

// Faces are to move, text is to be read: of a camera no larger size is sent with so few of its
// pictures, of a screen the size comes first (W3C's "motion" and "detail"). Layers come in the
// order of size, then rate.
bool is_worth_its_size(const TrackLayer& layer, std::span<const TrackLayer> offered) {
    const auto is_smaller = [&layer](const TrackLayer& other) {
        return other.alive && other.id.spatial < layer.id.spatial;
    };
    const auto is_smoother = [&layer](const TrackLayer& other) {
        return other.alive && other.id.spatial == layer.id.spatial &&
               other.id.temporal > layer.id.temporal;
    };
    return layer.pictures_per_second <= 0 || layer.pictures_per_second >= kSmoothFps ||
           std::ranges::none_of(offered, is_smaller) || std::ranges::none_of(offered, is_smoother);
}

congestion::MediaKind kind_of(const Subscription& subscription) {
    if (subscription.video() == nullptr) {
        return congestion::MediaKind::kAudio;
    }
    return subscription.track() != nullptr &&
                   subscription.track()->source() == TrackSource::kScreenShare
               ? congestion::MediaKind::kScreenShare
               : congestion::MediaKind::kCamera;
}

}  // namespace

void BandwidthShare::on_estimate(Instant now) {
    if (next_ == kNever) {
        share(now);
    } else if (downlink_.target() < used_) {
        next_ = std::min(next_, shared_at_ + kIntervalMin);
        handle_timeout(now);
    }
}

void BandwidthShare::handle_timeout(Instant now) {
    if (now >= next_) {
        share(now);
    }
}

void BandwidthShare::offer(Instant now, const Subscription& subscription, Choice& choice) {
    choice.options.clear();
    choice.ids.clear();
    PublishedTrack* const track = subscription.track();
    if (track == nullptr) {
        choice.chosen.reset();
        return;
    }
    const auto add = [&choice](layers::LayerId id, DataRate rate) {
        choice.options.push_back({.spatial = id.spatial, .temporal = id.temporal, .rate = rate});
        choice.ids.push_back(id);
    };
    if (subscription.video() == nullptr) {
        const double bps =
            track->streams().empty() ? 0 : track->streams().back()->receive.bits_per_second(now);
        add({}, rate_of(bps + kOverheadOfAudioBps));
        return;
    }
    const bool is_screen = track->source() == TrackSource::kScreenShare;
    // A receiver that loses packets is sent more than the media, and all of it has to fit.
    const double overhead = kOverheadOfVideo * (1 + subscription.repair_share());
    for (const TrackLayer& layer : track->layers()) {
        if (is_measured(layer) && is_wished(layer, subscription.video()->wish()) &&
            (is_screen || is_worth_its_size(layer, track->layers()))) {
            add(layer.id, rate_of(layer.bits_per_second * overhead));
        }
    }
    if (!choice.options.empty()) {
        return;
    }
    // Too new to be measured, or all beyond the wish: the least that there is.
    const auto least = std::ranges::find_if(track->layers(), &TrackLayer::alive);
    if (least != track->layers().end()) {
        add(least->id, rate_of(least->bits_per_second * overhead));
    }
}

congestion::LayerRequest BandwidthShare::request_of(const Subscription& subscription,
                                                    const Choice& choice) {
    const auto current =
        choice.chosen ? std::ranges::find(choice.ids, *choice.chosen) : choice.ids.end();
    return {.kind = kind_of(subscription),
            .paused = subscription.video() != nullptr && subscription.video()->wish().paused,
            .layers = choice.options,
            .current = current == choice.ids.end()
                           ? congestion::kNoLayer
                           : static_cast<congestion::LayerIndex>(current - choice.ids.begin())};
}

void BandwidthShare::share(Instant now) {
    next_ = now + kInterval;
    shared_at_ = now;
    ++shares_;
    choices_.resize(subscriptions_.size());
    requests_.clear();
    for (std::size_t i = 0; i < subscriptions_.size(); ++i) {
        offer(now, *subscriptions_[i], choices_[i]);
        requests_.push_back(request_of(*subscriptions_[i], choices_[i]));
    }
    const congestion::Allocation allocation =
        allocator_.allocate(now, downlink_.target(), requests_);
    used_ = allocation.used;
    downlink_.set_wanted(allocation.wanted);
    apply(now);
}

void BandwidthShare::apply(Instant now) {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
        const congestion::LayerRequest& request = requests_[i];
        Choice& choice = choices_[i];
        VideoFollower* const video = subscriptions_[i]->video();
        if (video == nullptr || request.layers.empty()) {
            continue;
        }
        choice.chosen = request.chosen == congestion::kNoLayer
                            ? std::nullopt
                            : std::optional(choice.ids[request.chosen]);
        video->set_limit(now, choice.chosen);
    }
}

}  // namespace isthmus::media::sfu
