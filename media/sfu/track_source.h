// What a published track shows or lets hear: the words of W3C's and LiveKit's track sources.
//
// Announced by signaling (MediaSection::source). Decides what gives way where bandwidth is short
// (bandwidth_share.h), and whether a sound takes part in the choice of speakers (conference.h).
#pragma once

#include <cstdint>
#include <optional>

#include "media/rtp/payload_format.h"

namespace isthmus::media::sfu {

enum class TrackSource : std::uint8_t { kCamera, kMicrophone, kScreenShare, kScreenShareAudio };

// What was announced in terms of the track's kind: a screen's sound is audio. Nothing announced
// means camera and microphone.
[[nodiscard]] constexpr TrackSource source_of(rtp::MediaKind kind,
                                              std::optional<TrackSource> announced) {
    const bool of_screen =
        announced == TrackSource::kScreenShare || announced == TrackSource::kScreenShareAudio;
    if (kind == rtp::MediaKind::kAudio) {
        return of_screen ? TrackSource::kScreenShareAudio : TrackSource::kMicrophone;
    }
    return of_screen ? TrackSource::kScreenShare : TrackSource::kCamera;
}

}  // namespace isthmus::media::sfu
