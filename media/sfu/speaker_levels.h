// How loud everybody speaks, as participants' screens show it: once per interval, and only what
// changed.
//
// Told the level of every audio packet; asked at the end of each interval. Whether somebody speaks
// is found out elsewhere (speech_activity.h); who does not is told once, with level 0.
// Specification of the level: RFC 6464.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"
#include "media/sfu/active_speakers.h"

namespace isthmus::media::sfu {

struct SpeakerLevel {
    double level = 0;  // linear, 0 to 1, smoothed over two intervals, in steps of an eighth
    bool active = false;

    friend bool operator==(const SpeakerLevel&, const SpeakerLevel&) = default;
};

class SpeakerLevels {
  public:
    static constexpr Duration kInterval = std::chrono::milliseconds(400);

    // A packet of the speaker.
    void on_level(SpeakerId id, std::uint8_t minus_dbov);

    // One of a sender that sends no levels: as loud as a quiet voice.
    void on_unlevelled(SpeakerId id) { on_level(id, kUnlevelledDbov); }

    // Ids are used again.
    void forget(SpeakerId id);

    // As of the last interval.
    [[nodiscard]] SpeakerLevel told(SpeakerId id) const;

    // Ends the interval: whose level or activity is another one than was told. Good until the next
    // call.
    [[nodiscard]] const std::vector<SpeakerId>& finish_interval(
        const std::function<bool(SpeakerId)>& is_speaking);

  private:
    static constexpr std::uint8_t kUnlevelledDbov = 30;

    struct State {
        double sum = 0;  // of linear levels in this interval
        std::uint32_t packets = 0;
        double smoothed = 0;
        SpeakerLevel told;
    };

    [[nodiscard]] static bool is_quiet(const State& state) {
        return state.packets == 0 && !state.told.active;
    }

    std::vector<State> states_;  // by id
    std::vector<SpeakerId> changed_;
};

}  // namespace isthmus::media::sfu
