#include "media/congestion/report_control.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

// Shorter, and single frames show.
constexpr Duration kMeasureMin = std::chrono::milliseconds(500);
// Reports come every second or so: the next one after a cut still tells of what was before.
constexpr Duration kReportInterval = std::chrono::seconds(1);
// As much loss no radio has (loss_control.cpp).
constexpr double kQueueDrops = 0.3;
// REMB of so much more than is sent is its receiver's bound of 1.5 times what arrives, which it
// measures without our lower headers.
constexpr double kEchoMin = 1.25;
constexpr double kEchoMax = 1.6;

}  // namespace

void ReportControl::measure(Instant now, DataSize sent) {
    if (!measured_at_) {
        measured_at_ = now;
        sent_ = sent;
        loss_.begin(now);
    } else if (now - *measured_at_ >= kMeasureMin) {
        sent_rate_ = (sent - sent_) / (now - *measured_at_);
        measured_at_ = now;
        sent_ = sent;
    }
}

void ReportControl::on_reports(Instant now, const ReportedLoss& reported, DataSize sent) {
    measure(now, sent);
    if (reported.round_trip) {
        round_trip_.on_sample(now, *reported.round_trip);
    }
    if (!sent_rate_ || reported.packets == 0) {
        return;
    }
    loss_.on_packets(reported.packets - reported.lost, reported.lost);
    const double share = static_cast<double>(reported.lost) / reported.packets;
    const auto arrives =
        share > kQueueDrops ? std::optional(*sent_rate_ * (1 - share)) : std::nullopt;
    loss_.update(now, round_trip_.estimate() + kReportInterval, *sent_rate_, arrives);
}

void ReportControl::on_remb(Instant now, DataRate limit, DataSize sent) {
    measure(now, sent);
    remb_ = std::min(limit, max_);
}

void ReportControl::set_wanted(const WantedRates& wanted) {
    wanted_next_ = wanted.next;
    loss_.set_use(wanted.most);
}

DataRate ReportControl::receiver_limit() const {
    const bool echo =
        sent_rate_ && *sent_rate_ * kEchoMin <= remb_ && remb_ <= *sent_rate_ * kEchoMax;
    return echo ? std::max(remb_, wanted_next_) : remb_;
}

DataRate ReportControl::target() const {
    const DataRate limit = std::min(loss_.limit(), receiver_limit());
    return limit.is_unlimited() ? limit : std::clamp(limit, min_, max_);
}

}  // namespace isthmus::media::congestion
