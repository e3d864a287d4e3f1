// The last lines that a program wrote: bounded in number and bytes, and in how many a second are
// kept, so that a flood does not wash away what was before it. Of what is too much the last few
// lines are kept: a program's last words.
//
// Bytes come in as they were read; a line ends with a line feed. Sans-I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace isthmus::supervisor {

struct LogLimits {
    std::size_t lines = 2000;
    std::size_t bytes = 512UL * 1024;
    std::size_t line_bytes = 4096;  // more of a line is cut off
    std::uint32_t lines_per_s = 500;
    std::uint32_t lines_burst = 1000;
    std::size_t last_words = 20;
};

class LogRing {
  public:
    explicit LogRing(const LogLimits& limits = {}) : limits_(limits) {}

    void add(Instant now, std::string_view bytes);
    // Bytes were passed over, unread.
    void note_gap(std::uint64_t bytes);
    // The process has ended: what it wrote last is a line, too.
    void end_line(Instant now);

    // The last `count`, oldest first.
    [[nodiscard]] std::vector<std::string> last(std::size_t count) const;

    [[nodiscard]] std::uint64_t lines() const { return lines_; }  // that came

    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // of them, over the rate

  private:
    void take_line(Instant now);
    void keep(std::string line);
    void keep_last_words();

    LogLimits limits_;
    std::deque<std::string> kept_;
    std::size_t kept_bytes_ = 0;
    std::string partial_;
    std::uint64_t lines_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t dropped_untold_ = 0;
    std::deque<std::string> late_;  // of those over the rate, the last
    double tokens_ = 0;
    Instant filled_ = Instant::min();
};

}  // namespace isthmus::supervisor
