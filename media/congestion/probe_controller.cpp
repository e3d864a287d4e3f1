#include "media/congestion/probe_controller.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

// libwebrtc's ProbeControllerConfig: first_ and second_exponential_probe_scale, further_*.
constexpr double kFirstScale = 3;
constexpr double kSecondScale = 6;
constexpr double kFurtherScale = 2;
constexpr double kFurtherThreshold = 0.7;
// Time for a round trip and feedback (libwebrtc: kMaxWaitingTimeForProbingResult).
constexpr Duration kResultWait = std::chrono::seconds(1);
// How long doubling goes on towards start_max rather than towards what is wanted.
constexpr Duration kBeginning = std::chrono::seconds(5);
// Between probes while the application is limited; doubled each time that nothing was gained. The
// longest is what it costs at most to notice that there is more again, and a few percent of bytes.
constexpr Duration kIntervalMin = std::chrono::milliseconds(1500);
constexpr Duration kIntervalMax = std::chrono::seconds(4);
// Somebody who gets nearly everything probes so much more rarely than somebody who gets nothing.
constexpr double kPatienceOfTheServed = 3;
// A probe for the next set of layers goes this much above what it needs, and never further above
// the estimate than doubling.
constexpr double kAboveNext = 1.05;
constexpr double kPeriodicScaleMax = 2;
// Where the estimate rose by less than this, nothing was gained.
constexpr double kGain = 1.05;
// After a gain the next set of layers is asked for as soon as the one that was gained flows:
// capacity that has come back is found in one go, not in a pause for each set.
constexpr Duration kAfterGain = std::chrono::milliseconds(500);
// After a drop to less than the first share, probe for the second one of what was before
// (libwebrtc: kBitrateDropThreshold, kProbeFractionAfterDrop), as long as it is so recent.
constexpr double kDrop = 0.66;
constexpr double kOfDropped = 0.85;
constexpr Duration kDropMemory = std::chrono::seconds(10);
constexpr Duration kDropWait = std::chrono::seconds(2);

}  // namespace

ProbeController::ProbeController(DataRate first, DataRate start_max, DataRate max)
    : first_(first), start_max_(std::min(start_max, max)), max_(max), interval_(kIntervalMin) {}

void ProbeController::begin(Instant now) {
    begun_ = true;
    begun_at_ = now;
    initial_left_ = 2;
    next_periodic_ = now + kIntervalMin;
}

void ProbeController::set_wanted(const WantedRates& wanted) {
    if (wanted.next != wanted_.next) {
        // Another question: do not wait as long as for the former one.
        interval_ = std::min(interval_, 2 * interval_min());
    }
    wanted_ = wanted;
}

Duration ProbeController::interval_min() const {
    if (wanted_.most <= DataRate()) {
        return kIntervalMin;
    }
    const double served = std::clamp(wanted_.used / wanted_.most, 0.0, 1.0);
    return Duration(static_cast<Duration::rep>(static_cast<double>(kIntervalMin.count()) *
                                               (1 + kPatienceOfTheServed * served)));
}

bool ProbeController::in_beginning(Instant now) const {
    return begun_ && now - begun_at_ < kBeginning;
}

DataRate ProbeController::ceiling(Instant now) const {
    return std::min(
        max_, in_beginning(now) ? std::max(start_max_, wanted_.most) : wanted_.next * kAboveNext);
}

void ProbeController::on_drop(Instant now, DataRate before, DataRate estimate) {
    if (estimate < before * kDrop && (!dropped_from_ || *dropped_from_ < before)) {
        dropped_from_ = before;
    }
    dropped_at_ = now;
    follow_up_.reset();
    next_periodic_ = std::max(next_periodic_, now + kDropWait);
}

void ProbeController::on_result(Instant now, DataRate result, const ProbeConditions& conditions) {
    if (probing_at_ == DataRate()) {
        return;
    }
    if (conditions.estimate > estimate_before_ * kGain) {
        interval_ = interval_min();
        next_periodic_ = std::min(next_periodic_, now + kAfterGain);
    }
    if (result > probing_at_ * kFurtherThreshold && result >= conditions.estimate) {
        const DataRate next = std::min(result * kFurtherScale, ceiling(now));
        if (next > result * kGain) {
            follow_up_ = next;
        }
    }
}

ProbeCluster ProbeController::make_cluster(DataRate rate, bool verifies) {
    last_id_ = static_cast<ProbeClusterId>(last_id_ + 1);
    if (last_id_ == kNoProbe) {
        ++last_id_;
    }
    return {.id = last_id_,
            .rate = rate,
            .size = rate * (verifies ? kVerifyDuration : kProbeDuration),
            .packets = kProbePackets,
            .verifies = verifies};
}

void ProbeController::expect(Instant now, DataRate rate) {
    probing_at_ = rate;
    result_by_ = now + kResultWait;
    next_periodic_ = now + interval_;
}

std::optional<DataRate> ProbeController::periodic(Instant now, const ProbeConditions& conditions) {
    if (dropped_from_ && now - dropped_at_ > kDropMemory) {
        dropped_from_.reset();
    }
    if (now < next_periodic_) {
        return std::nullopt;
    }
    if (!conditions.calm || !conditions.application_limited) {
        next_periodic_ = now + kIntervalMin / 4;
        return std::nullopt;
    }
    DataRate rate;
    if (dropped_from_ && wanted_.next > conditions.estimate) {
        rate = *dropped_from_ * kOfDropped;
        dropped_from_.reset();
    } else if (wanted_.next > conditions.estimate) {
        rate = wanted_.next * kAboveNext;
    } else if (in_beginning(now)) {
        // Those who joined beside it may have spoilt what the first probes found.
        rate = start_max_;
    }
    // Never beyond what there is use for.
    rate = std::min({rate, conditions.estimate * kPeriodicScaleMax, ceiling(now)});
    if (rate < conditions.estimate * kGain) {
        next_periodic_ = now + kIntervalMin;
        return std::nullopt;
    }
    // Whoever is served well begins with more than that.
    interval_ = std::min(std::max(interval_ * 2, interval_min()), kIntervalMax);
    return rate;
}

std::optional<ProbeCluster> ProbeController::poll(Instant now, const ProbeConditions& conditions) {
    if (!begun_) {
        return std::nullopt;
    }
    if (now >= result_by_) {
        probing_at_ = DataRate();
        result_by_ = kNever;
    }
    std::optional<DataRate> rate;
    bool verifies = false;
    while (initial_left_ > 0 && !rate) {
        const double scale = initial_left_ == 2 ? kFirstScale : kSecondScale;
        --initial_left_;
        const DataRate initial = std::min(first_ * scale, ceiling(now));
        if (initial > conditions.estimate) {
            rate = initial;
        }
    }
    if (!rate && follow_up_) {
        rate = follow_up_;
        follow_up_.reset();
    } else if (!rate) {
        rate = periodic(now, conditions);
        verifies = true;
    }
    if (!rate || *rate <= conditions.estimate) {
        return std::nullopt;
    }
    estimate_before_ = conditions.estimate;
    expect(now, *rate);
    return make_cluster(*rate, verifies);
}

void ProbeController::on_refused(Instant now) {
    probing_at_ = DataRate();
    result_by_ = kNever;
    next_periodic_ = now + kIntervalMin;
}

Instant ProbeController::next_timeout() const {
    return begun_ ? std::min(next_periodic_, result_by_) : kNever;
}

}  // namespace isthmus::media::congestion
