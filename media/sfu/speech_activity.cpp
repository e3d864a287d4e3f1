#include "media/sfu/speech_activity.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace isthmus::media::sfu {
namespace {

// Frames in the medium past (100 ms) and medium parts in the long one (1 s): N2 and N3.
constexpr std::uint32_t kMediumFrames = 5;
constexpr std::uint32_t kLongParts = 10;
constexpr std::uint64_t kMediumMask = (1U << kMediumFrames) - 1;
constexpr std::uint64_t kHalfSecondMask = (1U << 25U) - 1;
constexpr int kFramesKept = 50;
// A medium part counts as speech where most of its frames do.
constexpr int kMediumSpeechFrames = 3;

// Speech in the last half second that makes a phrase of it: 200 ms.
constexpr int kPhraseFrames = 10;

constexpr float kStepDb = 4;
// Below it nobody speaks, whatever the floor.
constexpr float kSilenceDbov = -60;
// Digital silence would make every breath 60 dB of speech.
constexpr float kFloorMinDbov = -80;
// Speech falls to its floor between syllables, every quarter of a second: 2.5 dB are not missed.
// What is loud without a pause is a voice no longer after five seconds.
constexpr float kFloorRiseDbPerSecond = 10;
constexpr float kRiseSecondsMax = 0.1F;  // a long silence says nothing of the noise

// An Opus frame of 20 ms in DTX has one or two bytes, comfort noise (RFC 3389) few more.
constexpr std::size_t kDtxBytesMax = 10;

// 16 frames of 20 ms.
constexpr float kLoudnessWeight = 1.0F / 16;

// The paper's lambdas of the silence model, for the immediate, medium and long past.
constexpr double kLambdaImmediate = 0.78;
constexpr double kLambdaMedium = 24;
constexpr double kLambdaLong = 47;
constexpr double kScoreMin = 1e-10;  // so that scores have logarithms

template <std::uint32_t Count>
std::array<double, Count + 1> make_scores(double lambda) {
    std::array<double, Count + 1> scores{};
    double log_choose = 0;  // of Count over v
    for (std::uint32_t v = 0; v <= Count; ++v) {
        if (v > 0) {
            log_choose += std::log(static_cast<double>(Count - v + 1) / v);
        }
        // p = 1/2: v successes and Count - v failures weigh the same.
        const double score = log_choose + Count * std::log(0.5) - std::log(lambda) + lambda * v;
        scores[v] = std::max(score, kScoreMin);
    }
    return scores;
}

const auto kImmediateScores = make_scores<SpeechActivity::kStepsMax>(kLambdaImmediate);
const auto kMediumScores = make_scores<kMediumFrames>(kLambdaMedium);
const auto kLongScores = make_scores<kLongParts>(kLambdaLong);

std::int64_t frame_of(Instant at) {
    return at.time_since_epoch() / SpeechActivity::kFrame;
}

}  // namespace

bool SpeechActivity::on_level(Instant now, std::uint8_t minus_dbov) {
    const float level = -static_cast<float>(std::min<std::uint8_t>(minus_dbov, 127));
    if (level <= floor_dbov_) {
        floor_dbov_ = std::max(level, kFloorMinDbov);
    } else if (levelled_) {
        const float seconds = std::chrono::duration<float>(now - last_level_at_).count();
        floor_dbov_ = std::min(
            level,
            floor_dbov_ + kFloorRiseDbPerSecond * std::clamp(seconds, 0.0F, kRiseSecondsMax));
    }
    levelled_ = true;
    last_level_at_ = now;
    last_level_ = std::min<std::uint8_t>(minus_dbov, 127);
    const float above = level < kSilenceDbov ? 0 : std::max(level - floor_dbov_, 0.0F);
    return on_frame(now, std::min(static_cast<std::uint32_t>(above / kStepDb), kStepsMax));
}

bool SpeechActivity::on_unlevelled(Instant now, std::size_t payload_bytes) {
    return on_frame(now, payload_bytes > kDtxBytesMax ? kSpeechSteps : 0);
}

bool SpeechActivity::on_frame(Instant now, std::uint32_t steps) {
    const std::int64_t frame = frame_of(now);
    if (frame > frame_) {
        loudness_ = static_cast<float>(loudness(now));
        history_ = history(now);
        frame_ = frame;
        steps_ = 0;
    }
    // The first packet of a frame moves the average, a louder one of the same frame corrects it.
    if (steps > steps_) {
        loudness_ += static_cast<float>(steps - steps_) * kLoudnessWeight;
        steps_ = steps;
    }
    const bool speech = steps >= kSpeechSteps;
    if (speech) {
        history_ |= 1U;
        last_speech_at_ = now;
        hangover_ =
            std::popcount(history_ & kHalfSecondMask) >= kPhraseFrames ? kHangover : kShortHangover;
        spoke_ = true;
    }
    return speech;
}

// As the bits would lie if a frame began at `now`.
std::uint64_t SpeechActivity::history(Instant now) const {
    const std::int64_t passed = frame_of(now) - frame_;
    if (passed <= 0) {
        return history_;
    }
    return passed >= kFramesKept ? 0 : history_ << static_cast<std::uint64_t>(passed);
}

double SpeechActivity::loudness(Instant now) const {
    const std::int64_t passed = frame_of(now) - frame_;
    if (passed <= 0) {
        return loudness_;
    }
    const double kept = 1 - kLoudnessWeight;
    return loudness_ * (passed == 1 ? kept : std::pow(kept, static_cast<double>(passed)));
}

std::uint32_t SpeechActivity::speech_frames(Instant now) const {
    return static_cast<std::uint32_t>(std::popcount(history(now) & kHalfSecondMask));
}

ActivityScores SpeechActivity::scores(Instant now) const {
    const std::uint64_t bits = history(now);
    // Packets of a talker are on their way for up to three frames.
    const bool current = frame_of(now) - frame_ <= 3;
    std::uint32_t long_parts = 0;
    for (std::uint32_t part = 0; part < kLongParts; ++part) {
        const int frames = std::popcount((bits >> (part * kMediumFrames)) & kMediumMask);
        long_parts += frames >= kMediumSpeechFrames ? 1 : 0;
    }
    const auto medium = static_cast<std::size_t>(std::popcount(bits & kMediumMask));
    return {.immediate = kImmediateScores[current ? steps_ : 0],
            .medium = kMediumScores[medium],
            .long_term = kLongScores[long_parts]};
}

}  // namespace isthmus::media::sfu
