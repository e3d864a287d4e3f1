#include "tests/simulator/tcp_flow.h"

#include <algorithm>

namespace isthmus::simulator {
namespace {

constexpr Duration kTimeoutMin = std::chrono::milliseconds(200);
constexpr Duration kTimeoutMax = std::chrono::seconds(60);
constexpr int kDuplicatesOfLoss = 3;

}  // namespace

TcpFlow::TcpFlow(Simulator& simulator, Link& forward, Link& backward, Duration delay)
    : simulator_(simulator), forward_(forward), backward_(backward), delay_(delay) {}

void TcpFlow::start(std::optional<std::uint64_t> bytes) {
    running_ = true;
    if (bytes) {
        ending_ = next_ + (*bytes + kSegmentBytes - 1) / kSegmentBytes;
    }
    send_window();
}

void TcpFlow::stop() {
    running_ = false;
    ending_ = highest_;
}

void TcpFlow::send_window() {
    while (in_flight() + 1 <= window_ && (running_ || next_ < highest_) &&
           (!ending_ || next_ < *ending_)) {
        send(next_++);
    }
}

void TcpFlow::send(std::uint64_t segment) {
    const Instant now = simulator_.now();
    if (segment < highest_) {
        ++retransmissions_;
        timed_.reset();  // Karn: a repeated segment measures nothing
    } else {
        highest_ = segment + 1;
        if (!timed_) {
            timed_ = segment;
            timed_at_ = now;
        }
    }
    for (const Instant arrival : forward_.pass(now, kSegmentBytes + kHeaderBytes)) {
        simulator_.at(arrival + delay_, [this, segment] { receive(segment); });
    }
    arm();
}

void TcpFlow::receive(std::uint64_t segment) {
    if (segment >= expected_) {
        early_.insert(segment);
    }
    while (!early_.empty() && *early_.begin() == expected_) {
        early_.erase(early_.begin());
        ++expected_;
    }
    for (const Instant arrival : backward_.pass(simulator_.now(), kHeaderBytes)) {
        simulator_.at(arrival + delay_, [this, next = expected_] { handle_ack(next); });
    }
}

void TcpFlow::handle_ack(std::uint64_t next) {
    if (next > acked_) {
        handle_new_ack(next);
    } else if (next == acked_ && next_ > acked_) {
        handle_duplicate_ack();
    }
    send_window();
}

void TcpFlow::handle_new_ack(std::uint64_t next) {
    const auto newly = static_cast<double>(next - acked_);
    if (timed_ && *timed_ < next) {
        measure(simulator_.now() - timed_at_);
        timed_.reset();
    }
    acked_ = next;
    next_ = std::max(next_, acked_);
    duplicates_ = 0;
    if (recover_ && next < *recover_) {
        // RFC 6582 section 3.2: a partial acknowledgement tells of the next loss.
        send(acked_);
        window_ = std::max(1.0, window_ - newly + 1);
        return;
    }
    if (recover_) {
        window_ = threshold_;
        recover_.reset();
    } else if (window_ < threshold_) {
        window_ += newly;
    } else {
        window_ += newly / window_;
    }
    arm();
}

void TcpFlow::handle_duplicate_ack() {
    ++duplicates_;
    if (recover_) {
        window_ += 1;
    } else if (duplicates_ == kDuplicatesOfLoss) {
        threshold_ = std::max(in_flight() / 2, 2.0);
        window_ = threshold_ + kDuplicatesOfLoss;
        recover_ = highest_;
        send(acked_);
    }
}

// RFC 6298 section 2.
void TcpFlow::measure(Duration sample) {
    if (!smoothed_) {
        smoothed_ = sample;
        variation_ = sample / 2;
    } else {
        const Duration error = sample > *smoothed_ ? sample - *smoothed_ : *smoothed_ - sample;
        variation_ += (error - variation_) / 4;
        *smoothed_ += (sample - *smoothed_) / 8;
    }
    timeout_ = std::clamp(*smoothed_ + 4 * variation_, kTimeoutMin, kTimeoutMax);
}

void TcpFlow::arm() {
    const std::uint64_t timer = ++timer_;
    if (next_ == acked_) {
        return;
    }
    simulator_.after(timeout_, [this, timer] {
        if (timer == timer_) {
            handle_timeout();
        }
    });
}

void TcpFlow::handle_timeout() {
    threshold_ = std::max(in_flight() / 2, 2.0);
    window_ = 1;
    duplicates_ = 0;
    recover_.reset();
    timed_.reset();
    timeout_ = std::min(timeout_ * 2, kTimeoutMax);
    next_ = acked_;
    send_window();
}

}  // namespace isthmus::simulator
