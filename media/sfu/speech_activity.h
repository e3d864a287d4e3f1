// How much one sender speaks, from the audio levels of its packets.
//
// Time goes in frames of 20 ms. A frame holds speech where its level stands well above the sender's
// own noise floor, which falls at once and rises slowly: a fan, a hum, or a client that claims to
// be loud all the time, lifts its floor and so ceases to count. The last second of frames is kept
// as bits; a frame without a packet (DTX, loss, mute) is silent. Everything is O(1) per packet.
//
// The three scores are those of I. Volfin and I. Cohen, "Dominant speaker identification for
// multipoint videoconferencing", Computer Speech and Language 27 (2013) 895-910: for the immediate,
// the medium and the long past, the log-likelihood ratio of speech (binomial) against silence
// (exponential). Sub-bands of the spectrum, which a level does not give, are steps of loudness.
//
// A sender that cannot be heard through its levels (none sent, or made up to look like speech) is
// not found out here. Specification of the level: RFC 6464.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::sfu {

struct ActivityScores {
    double immediate = 0;
    double medium = 0;
    double long_term = 0;
};

class SpeechActivity {
  public:
    static constexpr Duration kFrame = std::chrono::milliseconds(20);
    // A pause between two phrases, after which somebody is still taken to be speaking; and after a
    // cough, a click or the first syllable.
    static constexpr Duration kHangover = std::chrono::milliseconds(700);
    static constexpr Duration kShortHangover = std::chrono::milliseconds(200);
    // Loudness is counted in steps of 4 dB above the noise floor, 13 of them: N1 of the paper.
    static constexpr std::uint32_t kStepsMax = 13;
    // 12 dB: a voice in a room that is fit to talk in.
    static constexpr std::uint32_t kSpeechSteps = 3;

    // A packet with an RFC 6464 level. Returns whether it holds speech.
    bool on_level(Instant now, std::uint8_t minus_dbov);
    // A packet of a sender that sends no levels. Speech where it is longer than a DTX or comfort
    // noise frame; as quiet as speech can be, so that senders with levels come first.
    bool on_unlevelled(Instant now, std::size_t payload_bytes);

    [[nodiscard]] bool speaking(Instant now) const {
        return spoke_ && now - last_speech_at_ <= hangover_;
    }

    [[nodiscard]] ActivityScores scores(Instant now) const;

    // Steps above the noise floor, averaged over about half a second.
    [[nodiscard]] double loudness(Instant now) const;

    // Frames with speech of the last half second: 0 to 25.
    [[nodiscard]] std::uint32_t speech_frames(Instant now) const;

    [[nodiscard]] Instant last_speech_at() const { return last_speech_at_; }

    // Of the last packet with one; 127 before the first.
    [[nodiscard]] std::uint8_t last_level() const { return last_level_; }

    [[nodiscard]] bool levelled() const { return levelled_; }

  private:
    bool on_frame(Instant now, std::uint32_t steps);
    [[nodiscard]] std::uint64_t history(Instant now) const;

    std::uint64_t history_ = 0;  // a bit per frame, bit 0 is the frame of `frame_`
    std::int64_t frame_ = 0;     // frames since Instant{}
    std::uint32_t steps_ = 0;    // loudest packet of that frame
    float loudness_ = 0;
    float floor_dbov_ = kFloorStartDbov;
    Instant last_speech_at_{};
    Duration hangover_ = kShortHangover;
    Instant last_level_at_{};
    std::uint8_t last_level_ = 127;
    bool spoke_ = false;
    bool levelled_ = false;

    // Where a floor begins: quieter than speech, louder than a microphone behind noise suppression.
    static constexpr float kFloorStartDbov = -65;
};

}  // namespace isthmus::media::sfu
