#include "base/http/retry_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace isthmus::http {

bool RetryQueue::push(std::string item) {
    if (waiting_.size() >= policy_.waiting_max) {
        ++counters_.dropped_full;
        return false;
    }
    waiting_.push_back(std::move(item));
    return true;
}

const std::string* RetryQueue::poll(Instant now) {
    if (under_way_ || waiting_.empty() || now < not_before_) {
        return nullptr;
    }
    under_way_ = true;
    return &waiting_.front();
}

void RetryQueue::on_result(Instant now, bool delivered) {
    CHECK(under_way_);
    under_way_ = false;
    if (!delivered) {
        ++counters_.failed_tries;
        ++tries_;
        if (tries_ < policy_.tries_max) {
            Duration wait = policy_.first_wait;
            for (int i = 1; i < tries_ && wait < policy_.longest_wait; ++i) {
                wait *= 2;
            }
            not_before_ = now + std::min(wait, policy_.longest_wait);
            return;
        }
        ++counters_.dropped_hopeless;
    } else {
        ++counters_.delivered;
    }
    waiting_.pop_front();
    tries_ = 0;
    not_before_ = Instant::min();
}

Instant RetryQueue::next_timeout() const {
    return under_way_ || waiting_.empty() ? kNever : not_before_;
}

}  // namespace isthmus::http
