// Things to be delivered to one receiver in order, each tried again until it is taken or hopeless.
//
// Sans-I/O; one thread. Bounded: what does not fit is dropped and counted, the newest first, so
// that what a receiver gets is what happened, up to a point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "base/time.h"

namespace isthmus::http {

struct RetryPolicy {
    std::size_t waiting_max = 1000;
    // Waits this long after the first failure, twice as long after each further one.
    Duration first_wait = std::chrono::milliseconds(500);
    Duration longest_wait = std::chrono::seconds(30);
    int tries_max = 10;  // some three minutes
};

struct RetryCounters {
    std::uint64_t delivered = 0;
    std::uint64_t failed_tries = 0;
    std::uint64_t dropped_full = 0;
    std::uint64_t dropped_hopeless = 0;
};

class RetryQueue {
  public:
    explicit RetryQueue(const RetryPolicy& policy) : policy_(policy) {}

    // False where it was dropped.
    bool push(std::string item);
    // What is to be sent now: from here until on_result() it is on its way. Null where nothing
    // waits, something is on its way, or it is not time yet. Valid until the next call.
    [[nodiscard]] const std::string* poll(Instant now);
    // How what poll() gave ended.
    void on_result(Instant now, bool delivered);

    // When to call poll() again, where nothing is pushed before.
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] std::size_t size() const { return waiting_.size(); }

    [[nodiscard]] const RetryCounters& counters() const { return counters_; }

  private:
    RetryPolicy policy_;
    RetryCounters counters_;
    std::deque<std::string> waiting_;  // the first is the one that is tried
    bool under_way_ = false;
    int tries_ = 0;
    Instant not_before_ = Instant::min();
};

}  // namespace isthmus::http
