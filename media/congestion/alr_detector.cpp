#include "media/congestion/alr_detector.h"

#include <algorithm>

namespace isthmus::media::congestion {
namespace {

// libwebrtc's AlrDetectorConfig.
constexpr double kUsage = 0.65;
constexpr double kBegin = 0.80;
constexpr double kEnd = 0.50;
// Of its IntervalBudget.
constexpr double kWindowNs = 500e6;

}  // namespace

void AlrDetector::set_target(DataRate target) {
    bytes_per_ns_ = static_cast<double>(target.bps()) * kUsage / 8e9;
    full_bytes_ = bytes_per_ns_ * kWindowNs;
    budget_bytes_ = std::clamp(budget_bytes_, -full_bytes_, full_bytes_);
}

void AlrDetector::on_sent(Instant now, DataSize size) {
    if (updated_at_) {
        budget_bytes_ += static_cast<double>((now - *updated_at_).count()) * bytes_per_ns_;
    }
    updated_at_ = now;
    budget_bytes_ = std::min(budget_bytes_, full_bytes_) - static_cast<double>(size.bytes());
    budget_bytes_ = std::max(budget_bytes_, -full_bytes_);
    if (!since_ && budget_bytes_ > kBegin * full_bytes_) {
        since_ = now;
    } else if (since_ && budget_bytes_ < kEnd * full_bytes_) {
        since_.reset();
    }
}

}  // namespace isthmus::media::congestion
