#include "media/congestion/loss_control.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace isthmus::media::congestion {
namespace {

// SPEC draft-ietf-rmcat-gcc-02#6: raise below 2 %, cut above 10 %.
constexpr double kLossLow = 0.02;
constexpr double kLossHigh = 0.10;
constexpr double kGrowthPerSecond = 1.08;
// As where the delay grows (rate_control.cpp).
constexpr double kOfBusyRate = 0.85;
// Between two cuts, besides a round trip (libwebrtc: kBweDecreaseInterval).
constexpr Duration kCutInterval = std::chrono::milliseconds(300);
// A window has at least so many packets and lasts at least this long; a window without enough
// packets ends after the longer time.
constexpr std::uint32_t kPacketsMin = 20;
constexpr Duration kWindowMin = std::chrono::milliseconds(200);
constexpr Duration kWindowMax = std::chrono::seconds(2);
// After so many cuts in a row (together about a third of the rate) a queue would have gone; a loss
// that still is most of what it was is the path's. It is forgotten by a half in 35 s.
constexpr int kCutsOfProof = 4;
constexpr double kUnmoved = 0.7;
constexpr double kLossOfPathMax = 0.3;
constexpr double kForgetPerSecond = 0.98;
// As in rate_control.cpp.
constexpr double kProven = 0.9;
constexpr Duration kProvenAfter = std::chrono::seconds(1);
// A limit this far above the rate limits nothing.
constexpr double kFarAbove = 2;

}  // namespace

void LossControl::update(Instant now,
                         Duration round_trip,
                         DataRate rate,
                         std::optional<DataRate> busy_rate) {
    if (!window_began_) {
        window_began_ = now;
    }
    const std::uint32_t packets = received_ + lost_;
    const Duration length = now - *window_began_;
    if (length < kWindowMin || packets == 0 || (packets < kPacketsMin && length < kWindowMax)) {
        return;
    }
    loss_ = static_cast<double>(lost_) / packets;
    received_ = 0;
    lost_ = 0;
    window_began_ = now;
    on_loss(now, round_trip, rate, busy_rate);
}

void LossControl::learn_loss_of_path() {
    if (cuts_ == 0) {
        loss_before_cuts_ = loss_;
    }
    if (++cuts_ > kCutsOfProof && loss_ > loss_before_cuts_ * kUnmoved) {
        loss_of_path_ = std::min(loss_, kLossOfPathMax);
        cuts_ = 0;
    }
}

void LossControl::on_loss(Instant now,
                          Duration round_trip,
                          DataRate rate,
                          std::optional<DataRate> busy_rate) {
    const std::chrono::duration<double> since = updated_at_ ? now - *updated_at_ : Duration::zero();
    const double seconds = std::min(since.count(), 1.0);
    updated_at_ = now;
    const double excess = loss_ - loss_of_path_;
    loss_of_path_ *= std::pow(kForgetPerSecond, seconds);
    if (excess > kLossHigh) {
        if (!cut_at_ || now - *cut_at_ >= kCutInterval + round_trip) {
            // SPEC draft-ietf-rmcat-gcc-02#6
            limit_ = std::min(limit_, rate) * (1 - 0.5 * excess);
            if (busy_rate) {
                limit_ = std::min(limit_, *busy_rate * kOfBusyRate);
            }
            cut_at_ = now;
            learn_loss_of_path();
        }
        return;
    }
    cuts_ = 0;
    if (excess < kLossLow && !limit_.is_unlimited()) {
        limit_ = limit_ * std::pow(kGrowthPerSecond, seconds) + DataRate::kbps(1);
        if (limit_ > std::max(rate * kFarAbove, use_)) {
            limit_ = DataRate::unlimited();
        }
    }
}

void LossControl::on_throughput(Instant now, DataRate throughput) {
    if (loss_ < kLossLow && limit_ < throughput * kProven &&
        (!cut_at_ || now - *cut_at_ >= kProvenAfter)) {
        limit_ = throughput * kProven;
    }
}

void LossControl::on_probe(DataRate rate) {
    if (limit_ < rate) {
        limit_ = rate;
    }
}

}  // namespace isthmus::media::congestion
