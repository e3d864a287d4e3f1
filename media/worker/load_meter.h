// Measures one worker's load: CPU, packets, and how many participants cause it.
//
// Sans-I/O: told the time and what the thread has used. A sample a second while anybody is there;
// smoothed exponentially, so that one loud second places nobody elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "media/worker/load_reading.h"

namespace isthmus::media {

class LoadMeter {
  public:
    static constexpr Duration kInterval = std::chrono::seconds(1);
    // After so long 63 % of a change shows. Joins take two or three seconds to load, and what was
    // admitted is counted meanwhile (LoadLedger): slow enough for a key frame to be no trend, fast
    // enough that a conference that ended is gone before the next one begins.
    static constexpr Duration kSmoothing = std::chrono::seconds(5);

    // What the thread has done since it began.
    struct Totals {
        Duration cpu{};
        std::uint64_t packets = 0;
        std::size_t loading = 0;  // participants that media moved for since the last call
    };

    // When poll() is wanted; kNever while nobody is there.
    [[nodiscard]] Instant next_timeout() const { return next_; }

    // After every round. Begins with the first participant; when the last one is gone, the reading
    // is zero at once. Calls `totals` (-> Totals) where it needs them. True where there is a new
    // reading.
    template <typename Function>
    bool poll(Instant now, std::size_t participants, Function&& totals) {
        if (participants == 0) {
            const bool was_running = next_ != kNever;
            stop();
            return was_running;
        }
        if (next_ == kNever) {
            begin(now, totals());
            return false;
        }
        if (now < next_) {
            return false;
        }
        sample(now, totals());
        return true;
    }

    [[nodiscard]] const LoadReading& reading() const { return reading_; }

  private:
    void begin(Instant now, const Totals& totals);
    void sample(Instant now, const Totals& totals);
    void stop();

    Instant next_ = kNever;
    Instant since_{};
    Totals before_;
    LoadReading reading_;
};

}  // namespace isthmus::media
