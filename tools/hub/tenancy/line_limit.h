// How many lines a minute may be written about something that anybody can cause.
#pragma once

#include <cstdint>

namespace isthmus::hub {

class LineLimit {
  public:
    explicit LineLimit(std::uint32_t lines_per_minute) : lines_per_minute_(lines_per_minute) {}

    // Whether a line may be written now.
    [[nodiscard]] bool take(std::int64_t now_ms) {
        constexpr std::int64_t kMinuteMs = 60'000;
        if (now_ms - begun_ms_ >= kMinuteMs || now_ms < begun_ms_) {
            begun_ms_ = now_ms;
            lines_ = 0;
        }
        if (lines_ == lines_per_minute_) {
            return false;
        }
        ++lines_;
        return true;
    }

  private:
    std::uint32_t lines_per_minute_;
    std::uint32_t lines_ = 0;
    std::int64_t begun_ms_ = 0;
};

}  // namespace isthmus::hub
