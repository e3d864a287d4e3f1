#include "control-agent/supervisor/log_ring.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace isthmus::supervisor {
namespace {

std::string dropped_line(std::uint64_t count) {
    return fmt::format("[{} lines dropped: too many a second]", count);
}

}  // namespace

void LogRing::add(Instant now, std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, end);
        if (partial_.size() < limits_.line_bytes) {
            partial_.append(piece.substr(0, limits_.line_bytes - partial_.size()));
        }
        if (end == std::string_view::npos) {
            return;
        }
        take_line(now);
        bytes.remove_prefix(end + 1);
    }
}

void LogRing::end_line(Instant now) {
    if (!partial_.empty()) {
        take_line(now);
    }
}

void LogRing::take_line(Instant now) {
    ++lines_;
    if (filled_ == Instant::min()) {
        tokens_ = limits_.lines_burst;
    } else {
        const double seconds = std::chrono::duration<double>(now - filled_).count();
        tokens_ = std::min<double>(limits_.lines_burst, tokens_ + seconds * limits_.lines_per_s);
    }
    filled_ = now;
    std::string line = std::exchange(partial_, {});
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    if (tokens_ >= 1) {
        tokens_ -= 1;
        keep_last_words();
        keep(std::move(line));
        return;
    }
    late_.push_back(std::move(line));
    if (late_.size() > limits_.last_words) {
        late_.pop_front();
        ++dropped_;
        ++dropped_untold_;
    }
}

void LogRing::keep_last_words() {
    if (const std::uint64_t untold = std::exchange(dropped_untold_, 0); untold > 0) {
        keep(dropped_line(untold));
    }
    for (std::string& line : std::exchange(late_, {})) {
        keep(std::move(line));
    }
}

void LogRing::note_gap(std::uint64_t bytes) {
    partial_.clear();
    keep_last_words();
    keep(fmt::format("[{} bytes passed over: too much at once]", bytes));
}

void LogRing::keep(std::string line) {
    kept_bytes_ += line.size();
    kept_.push_back(std::move(line));
    while (kept_.size() > limits_.lines || (kept_bytes_ > limits_.bytes && kept_.size() > 1)) {
        kept_bytes_ -= kept_.front().size();
        kept_.pop_front();
    }
}

std::vector<std::string> LogRing::last(std::size_t count) const {
    std::vector<std::string> all(kept_.begin(), kept_.end());
    if (dropped_untold_ > 0) {
        all.push_back(dropped_line(dropped_untold_));
    }
    all.insert(all.end(), late_.begin(), late_.end());
    const std::size_t skipped = all.size() - std::min(count, all.size());
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(skipped));
    return all;
}

}  // namespace isthmus::supervisor
