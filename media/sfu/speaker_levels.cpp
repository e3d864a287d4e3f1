#include "media/sfu/speaker_levels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace isthmus::media::sfu {
namespace {

constexpr std::size_t kLevels = 128;
// An exponential moving average of two intervals: 2 / (2 + 1).
constexpr double kNewest = 2.0 / 3.0;
// A meter of eight bars.
constexpr double kSteps = 8;

double linear(std::uint8_t minus_dbov) {
    static const std::array<double, kLevels> kTable = [] {
        std::array<double, kLevels> table{};
        for (std::size_t i = 0; i < kLevels; ++i) {
            table[i] = std::pow(10.0, -static_cast<double>(i) / 20.0);
        }
        return table;
    }();
    return kTable[std::min<std::size_t>(minus_dbov, kLevels - 1)];
}

}  // namespace

void SpeakerLevels::on_level(SpeakerId id, std::uint8_t minus_dbov) {
    const auto place = static_cast<std::size_t>(id);
    if (place >= states_.size()) {
        states_.resize(place + 1);
    }
    states_[place].sum += linear(minus_dbov);
    ++states_[place].packets;
}

void SpeakerLevels::forget(SpeakerId id) {
    const auto place = static_cast<std::size_t>(id);
    if (place < states_.size()) {
        states_[place] = {};
    }
}

SpeakerLevel SpeakerLevels::told(SpeakerId id) const {
    const auto place = static_cast<std::size_t>(id);
    return place < states_.size() ? states_[place].told : SpeakerLevel{};
}

const std::vector<SpeakerId>& SpeakerLevels::finish_interval(
    const std::function<bool(SpeakerId)>& is_speaking) {
    changed_.clear();
    for (std::size_t place = 0; place < states_.size(); ++place) {
        State& state = states_[place];
        if (is_quiet(state)) {
            continue;
        }
        const auto id = static_cast<SpeakerId>(place);
        const double mean = state.packets == 0 ? 0 : state.sum / state.packets;
        state.sum = 0;
        state.packets = 0;
        SpeakerLevel level;
        if (is_speaking(id)) {
            state.smoothed += (mean - state.smoothed) * kNewest;
            level = {.level = std::ceil(state.smoothed * kSteps) / kSteps, .active = true};
        } else {
            state.smoothed = 0;
        }
        if (std::exchange(state.told, level) != level) {
            changed_.push_back(id);
        }
    }
    return changed_;
}

}  // namespace isthmus::media::sfu
