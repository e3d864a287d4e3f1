#include "control-agent/supervisor/restart_policy.h"

#include <algorithm>

namespace isthmus::supervisor {
namespace {

// 2^20 times any first wait is longer than any limit.
constexpr std::uint32_t kDoublingsMax = 20;

}  // namespace

Duration RestartPolicy::next_wait() {
    const std::uint32_t doublings = std::min(failures_ - 1, kDoublingsMax);
    const Duration longest =
        std::min(rules_.longest_wait, rules_.first_wait * (std::int64_t{1} << doublings));
    const Duration half = longest / 2;
    if (half <= Duration::zero()) {
        return longest;
    }
    const auto chance =
        static_cast<std::int64_t>(random_->next_u64() % static_cast<std::uint64_t>(half.count()));
    return longest - Duration(chance);
}

Instant RestartPolicy::on_end(Instant now, bool success) {
    const bool steady = started_ != kNever && now - started_ >= rules_.steady_after;
    started_ = kNever;
    if (steady) {
        on_steady();
    }
    if (rules_.mode == RestartMode::kNever || (rules_.mode == RestartMode::kOnFailure && success)) {
        return kNever;
    }
    ++failures_;
    ends_.push_back(now);
    while (!ends_.empty() &&
           (now - ends_.front() > rules_.loop_window || ends_.size() > rules_.loop_ends)) {
        ends_.pop_front();
    }
    crash_loop_ = crash_loop_ || ends_.size() >= rules_.loop_ends;
    return now + next_wait();
}

Instant RestartPolicy::steady_at() const {
    return failures_ == 0 || started_ == kNever ? kNever : started_ + rules_.steady_after;
}

void RestartPolicy::on_steady() {
    failures_ = 0;
    crash_loop_ = false;
    ends_.clear();
}

void RestartPolicy::forget() {
    on_steady();
}

}  // namespace isthmus::supervisor
