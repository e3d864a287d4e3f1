#include "media/congestion/arrival_groups.h"

#include <algorithm>
#include <chrono>

namespace isthmus::media::congestion {
namespace {

// SPEC draft-ietf-rmcat-gcc-02#5.2: burst_time.
constexpr Duration kBurst = std::chrono::milliseconds(5);
// A burst is not prolonged beyond this (libwebrtc).
constexpr Duration kBurstMax = std::chrono::milliseconds(100);
// The receiver's clock jumped (libwebrtc: 3 s).
constexpr Duration kClockJump = std::chrono::seconds(3);
// So many groups in a row that arrive before their predecessor: its clock went back (libwebrtc).
constexpr int kReorderedMax = 3;

}  // namespace

void ArrivalGroups::reset() {
    *this = ArrivalGroups();
}

// SPEC draft-ietf-rmcat-gcc-02#5.2
bool ArrivalGroups::belongs(const Group& current, Instant sent_at, Duration arrived_at) {
    if (sent_at - current.first_sent <= kBurst) {
        return true;
    }
    const Duration sent_after = sent_at - current.last_sent;
    const Duration arrived_after = arrived_at - current.last_arrived;
    // Far back is no reordering: the receiver's clock jumped.
    return arrived_after - sent_after < Duration::zero() && arrived_after <= kBurst &&
           arrived_after > -kBurstMax && arrived_at - current.first_arrived < kBurstMax;
}

std::optional<GroupDelta> ArrivalGroups::close(const Group& before, const Group& current) {
    const GroupDelta delta{.sent = current.last_sent - before.last_sent,
                           .arrived = current.last_arrived - before.last_arrived,
                           .arrived_at = current.last_arrived};
    if (delta.arrived - delta.sent > kClockJump || delta.arrived - delta.sent < -kClockJump) {
        reset();
        return std::nullopt;
    }
    if (delta.arrived < Duration::zero()) {
        if (++reordered_ >= kReorderedMax) {
            reset();
        }
        return std::nullopt;
    }
    reordered_ = 0;
    return delta;
}

std::optional<GroupDelta> ArrivalGroups::on_packet(Instant sent_at, Duration arrived_at) {
    if (current_ && sent_at < current_->first_sent) {
        return std::nullopt;
    }
    if (current_ && belongs(*current_, sent_at, arrived_at)) {
        current_->last_sent = std::max(current_->last_sent, sent_at);
        current_->last_arrived = std::max(current_->last_arrived, arrived_at);
        return std::nullopt;
    }
    std::optional<GroupDelta> delta;
    if (current_) {
        const Group current = *current_;
        if (before_) {
            delta = close(*before_, current);
        }
        before_ = current;
    }
    current_ = {.first_sent = sent_at,
                .last_sent = sent_at,
                .first_arrived = arrived_at,
                .last_arrived = arrived_at};
    return delta;
}

}  // namespace isthmus::media::congestion
