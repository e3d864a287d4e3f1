// What ClientConnection and NodeConnection share in their talk with the switchboard.
#pragma once

#include <type_traits>
#include <utility>

#include "media/sfu/connection_description.h"
#include "media/worker/switchboard.h"
#include "signaling/livekit/session_host.h"

namespace isthmus::signaling::livekit {

// Sections without media are not for the switchboard: it forgets them, and gives one that is used
// again another SSRC. Chromium shows nothing of a stream that stops and comes back with the same.
[[nodiscard]] inline media::sfu::ConnectionDescription without_inactive(
    media::sfu::ConnectionDescription description) {
    std::erase_if(description.sections, [](const media::sfu::MediaSection& section) {
        return section.direction == media::sfu::Direction::kInactive;
    });
    return description;
}

// The answer came when nobody waited for it any more.
template <typename T>
void let_go(SessionHost& host, const Result<T>& answer) {
    if constexpr (std::is_same_v<T, media::JoinResult>) {
        if (answer) {
            host.abandon(answer->connection);
        }
    }
}

}  // namespace isthmus::signaling::livekit
