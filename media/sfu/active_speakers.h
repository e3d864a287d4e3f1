// Who of a conference is heard: the loudest few in order, and the one who has the word.
//
// ranked() is an order of precedence that is kept, not computed anew: those who speak come first,
// in the order in which they began, then those who are silent, the last to speak first. It changes
// when somebody begins to speak, and then by as little as can be:
//   - whoever speaks while somebody ranked is silent takes the place of the one who has been silent
//     longest, with the first packet of speech;
//   - where all who are ranked are speaking, a newcomer must have spoken for a while and be louder
//     than the quietest of them by a margin, who keeps the place for a minimum time;
//   - who falls silent stays until the place is needed.
// The dominant speaker comes first while it speaks. It is chosen every 300 ms among the ranked as
// Volfin and Cohen describe it (speech_activity.h): another one takes over whose immediate, medium
// and long activity all exceed those of the dominant one by a margin, that is, once the dominant
// one pauses.
//
// Driven per audio packet, O(ranked) at worst and O(1) while nothing changes; nothing is allocated
// but by add(). Silent time needs no timer: nobody is moved by silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/sfu/speech_activity.h"

namespace isthmus::media::sfu {

enum class SpeakerId : std::uint32_t {};

struct SpeakerCounters {
    std::uint64_t dominant_changes = 0;
    std::uint64_t ranking_changes = 0;  // somebody came in, or overtook another
};

class ActiveSpeakers {
  public:
    // More are not told apart by anybody's ear, and a change moves as many pointers.
    static constexpr std::size_t kRankedMax = 16;

    explicit ActiveSpeakers(std::size_t ranked_max);

    // Ids are used again after remove().
    SpeakerId add();
    // Returns whether ranked() changed.
    bool remove(SpeakerId id);

    // A packet of the speaker, with its RFC 6464 level or without one. Returns whether ranked()
    // changed.
    bool on_level(Instant now, SpeakerId id, std::uint8_t minus_dbov);
    bool on_unlevelled(Instant now, SpeakerId id, std::size_t payload_bytes);

    [[nodiscard]] std::span<const SpeakerId> ranked() const { return ranked_; }

    [[nodiscard]] bool is_ranked(SpeakerId id) const { return at(id).ranked; }

    // The first to speak, until another takes over; nothing before anybody spoke.
    [[nodiscard]] std::optional<SpeakerId> dominant() const { return dominant_; }

    [[nodiscard]] bool speaking(Instant now, SpeakerId id) const {
        return at(id).activity.speaking(now);
    }

    // Nothing for senders without levels.
    [[nodiscard]] std::optional<std::uint8_t> level(SpeakerId id) const;

    [[nodiscard]] const SpeakerCounters& counters() const { return counters_; }

  private:
    struct Speaker {
        SpeechActivity activity;
        Instant ranked_at{};
        bool ranked = false;
    };

    Speaker& at(SpeakerId id) { return speakers_[static_cast<std::size_t>(id)]; }

    [[nodiscard]] const Speaker& at(SpeakerId id) const {
        return speakers_[static_cast<std::size_t>(id)];
    }

    bool on_packet(Instant now, SpeakerId id, bool speech, bool was_speaking);
    bool admit(Instant now, SpeakerId id, bool speech);
    bool place_among_speaking(Instant now, SpeakerId id);
    // The place that a newcomer may have; nothing where all are spoken for.
    [[nodiscard]] std::optional<std::size_t> find_place(Instant now, SpeakerId newcomer) const;
    [[nodiscard]] std::optional<std::size_t> find_silent(Instant now) const;
    [[nodiscard]] std::size_t find_quietest(Instant now) const;
    [[nodiscard]] bool may_displace(Instant now,
                                    const Speaker& newcomer,
                                    const Speaker& quietest) const;
    bool decide_dominant(Instant now);
    [[nodiscard]] std::optional<SpeakerId> find_challenger(Instant now) const;
    void make_dominant(SpeakerId id);

    std::size_t ranked_max_;
    std::vector<Speaker> speakers_;
    std::vector<SpeakerId> free_;
    std::vector<SpeakerId> ranked_;
    std::optional<SpeakerId> dominant_;
    Instant decided_at_{};
    SpeakerCounters counters_;
};

}  // namespace isthmus::media::sfu
