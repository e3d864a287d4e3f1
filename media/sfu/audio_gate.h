// Where an audio track stands in its conference's selection (audio_selection.h).
#pragma once

#include <cstdint>
#include <optional>

#include "media/rtp/sequence_rewriter.h"
#include "media/sfu/active_speakers.h"

namespace isthmus::media::sfu {

class Conference;

struct AudioGate {
    // Does the packet come after all that passed? Numbers are those of one stream.
    [[nodiscard]] bool is_behind(const rtp::SourcePacket& packet) const {
        return packet.source != passed.source || packet.seq > passed.seq;
    }

    Conference* conference = nullptr;  // null for video, and outside of a conference
    std::optional<SpeakerId> speaker;
    // Subscriptions of viewers that asked for this participant by name.
    std::uint32_t watchers = 0;
    bool closed = false;  // the last packet did not pass
    // The newest packet that passed.
    rtp::SourcePacket passed;
};

}  // namespace isthmus::media::sfu
