#include "media/congestion/pacer.h"

#include <algorithm>

namespace isthmus::media::congestion {
namespace {

// Audio and retransmissions that passed at once never hold media back for longer than this.
constexpr Duration kDebtMax = std::chrono::milliseconds(100);

}  // namespace

Pacer::Pacer(const PacerConfig& config, DataRate rate) : config_(config), rate_(rate) {}

DataSize Pacer::release_size() const {
    return std::max(rate_ * config_.release, config_.release_min);
}

// Bytes per nanosecond.
double Pacer::rate_for(Instant now, DataSize queued, Instant oldest) const {
    const double rate = static_cast<double>(rate_.bps()) / 8e9;
    if (queued == DataSize()) {
        return rate;
    }
    // All that waits leaves before its oldest packet is too old.
    const Duration left = std::max(oldest + config_.queue_time_max - now, config_.release);
    return std::max(rate, static_cast<double>(queued.bytes()) / static_cast<double>(left.count()));
}

double Pacer::full_at(double bytes_per_ns) const {
    return std::max(static_cast<double>(release_size().bytes()),
                    bytes_per_ns * static_cast<double>(config_.release.count()));
}

void Pacer::earn(Instant now, double bytes_per_ns) {
    const double full = full_at(bytes_per_ns);
    if (!started_) {
        started_ = true;
        credit_bytes_ = full;
    } else {
        const auto since = static_cast<double>((now - updated_at_).count());
        credit_bytes_ = std::min(credit_bytes_ + since * bytes_per_ns, full);
    }
    updated_at_ = now;
}

DataSize Pacer::allowance(Instant now, DataSize queued, Instant oldest) {
    earn(now, rate_for(now, queued, oldest));
    return DataSize::bytes(static_cast<std::int64_t>(std::max(credit_bytes_, 0.0)));
}

void Pacer::on_sent(Instant now, DataSize size) {
    if (!started_ || now > updated_at_) {
        earn(now, static_cast<double>(rate_.bps()) / 8e9);
    }
    const double debt = static_cast<double>((rate_ * kDebtMax).bytes());
    credit_bytes_ = std::max(credit_bytes_ - static_cast<double>(size.bytes()), -debt);
}

Instant Pacer::next_release(Instant now, DataSize queued, Instant oldest) const {
    if (queued == DataSize()) {
        return kNever;
    }
    const double rate = rate_for(now, queued, oldest);
    const double wanted = std::min(static_cast<double>(queued.bytes()), full_at(rate));
    const double since = started_ ? static_cast<double>((now - updated_at_).count()) : 0;
    const double missing = started_ ? wanted - credit_bytes_ - since * rate : 0;
    if (missing <= 0 || rate <= 0) {
        return now;
    }
    const Instant ready = now + Duration(static_cast<Duration::rep>(missing / rate) + 1);
    if (config_.grid <= Duration::zero()) {
        return ready;
    }
    const Duration past = ready.time_since_epoch() % config_.grid;
    return past == Duration::zero() ? ready : ready + config_.grid - past;
}

}  // namespace isthmus::media::congestion
