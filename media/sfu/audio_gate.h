// Where an audio track stands in its conference's selection (audio_selection.h): whether its
// packets pass, and how it begins again after they did not.
//
// One per track; driven by it, packet by packet. A voice is taken for speech by its first loud
// packet; when that opens the gate, the two packets before it (the breath, the soft consonant)
// follow it out of the track's cache, in their order. The listener's jitter buffer takes their 40
// ms of delay in its stride.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "media/rtp/header_extensions.h"
#include "media/rtp/sequence_rewriter.h"
#include "media/sfu/active_speakers.h"
#include "media/sfu/inbound_stream.h"

namespace isthmus::media::sfu {

class Conference;
class PublishedTrack;

class AudioGate {
  public:
    // What the conference keeps here for the track.
    Conference* conference = nullptr;  // null for all but microphones, and outside of a conference
    std::optional<SpeakerId> speaker;
    // Subscriptions of viewers that asked for this participant by name.
    std::uint32_t watchers = 0;

    // Reports a packet of `track`. Returns whether it goes on.
    bool passes(Instant now, PublishedTrack& track, const TrackPacket& packet);

    // What comes next does not follow what came before: packets between them went to nobody.
    void on_gap() { closed_ = true; }

    // Puts a packet that passed, and lies in the cache, into `pending`; if the gate was closed,
    // what came before it first.
    void queue(Instant now,
               const TrackPacket& packet,
               const rtp::HeaderExtensionParser& parser,
               std::vector<TrackPacket>& pending);

  private:
    // Does the packet come after all that passed? Numbers are those of one stream.
    [[nodiscard]] bool is_new(const rtp::SourcePacket& packet) const {
        return packet.source != passed_.source || packet.seq > passed_.seq;
    }

    void add_onset(Instant now,
                   const TrackPacket& packet,
                   const rtp::HeaderExtensionParser& parser,
                   std::vector<TrackPacket>& pending) const;

    bool closed_ = false;       // a packet did not pass, and none since
    rtp::SourcePacket passed_;  // the newest that passed
};

}  // namespace isthmus::media::sfu
