// When to try again: at a random moment of a span that doubles with each failure, so that thousands
// of agents whose hub restarts come back spread out, and soon.
//
// Sans-I/O.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "base/time.h"

namespace isthmus::agent {

struct BackOffRules {
    Duration first_span = std::chrono::seconds(4);
    // All are back within a minute of the hub's return.
    Duration longest_span = std::chrono::seconds(30);
};

class BackOff {
  public:
    explicit BackOff(const BackOffRules& rules = {}) : rules_(rules), span_(rules.first_span) {}

    [[nodiscard]] Duration next(RandomSource& random) {
        const auto milliseconds =
            std::chrono::duration_cast<std::chrono::milliseconds>(span_).count();
        const Duration wait = std::chrono::milliseconds(
            random.next_u64() %
            static_cast<std::uint64_t>(std::max<std::int64_t>(milliseconds, 1)));
        span_ = std::min(span_ * 2, rules_.longest_span);
        return wait;
    }

    void succeeded() { span_ = rules_.first_span; }

  private:
    BackOffRules rules_;
    Duration span_;
};

}  // namespace isthmus::agent
