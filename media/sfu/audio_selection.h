// Which audio tracks of a conference are sent on.
//
// Where more tracks are published than are to be heard, only the loudest pass (active_speakers.h),
// so that people who say nothing cost no more than the reception of their packets. In a small
// conference all pass; a track that somebody watches by name always does. Every audio packet is
// reported, whether it passes or not.
//
// Owned by a Conference, which re-binds listeners' sections when the ranking changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/rtp/header_extensions.h"
#include "media/sfu/active_speakers.h"
#include "media/sfu/audio_gate.h"

namespace isthmus::media::sfu {

class PublishedTrack;

struct AudioCounters {
    std::uint64_t gated = 0;  // packets that went to nobody
    std::uint64_t dominant_changes = 0;
    std::uint64_t ranking_changes = 0;

    AudioCounters& operator+=(const AudioCounters& other);
};

class AudioSelection {
  public:
    // How many tracks are heard; 0: all of them. All are while there are `all_up_to` at most.
    explicit AudioSelection(std::size_t loudest, std::size_t all_up_to = 0);

    // Sets the track's gate. Between them the track stays where it is.
    void add(PublishedTrack& track);
    // Returns whether ranked() changed.
    bool remove(PublishedTrack& track);

    // `payload_bytes`: of the sound alone, without redundancy. Returns whether ranked() changed.
    bool on_packet(Instant now,
                   const AudioGate& gate,
                   std::optional<rtp::AudioLevel> level,
                   std::size_t payload_bytes);

    // Does a packet of the track go to its subscribers?
    [[nodiscard]] bool passes(const AudioGate& gate);

    // The loudest first.
    [[nodiscard]] std::span<PublishedTrack* const> ranked() const { return ranked_; }

    [[nodiscard]] const PublishedTrack& track_of(SpeakerId id) const {
        return *tracks_[static_cast<std::size_t>(id)];
    }

    [[nodiscard]] PublishedTrack* dominant() const;
    [[nodiscard]] bool speaking(Instant now, const AudioGate& gate) const;
    // RFC 6464, of the last packet; nothing where the sender sends none.
    [[nodiscard]] std::optional<std::uint8_t> level(const AudioGate& gate) const;
    [[nodiscard]] AudioCounters counters() const;

  private:
    void update_ranked();

    std::size_t loudest_;
    std::size_t all_up_to_;
    ActiveSpeakers speakers_;
    std::vector<PublishedTrack*> tracks_;  // by speaker id; null where unused
    std::size_t track_count_ = 0;
    std::vector<PublishedTrack*> ranked_;
    std::uint64_t gated_ = 0;
};

}  // namespace isthmus::media::sfu
