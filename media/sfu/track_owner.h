// Whoever publishes tracks in a conference: a client, or a link that brings the tracks of another
// worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "media/rtp/header_extensions.h"

namespace isthmus::media::sfu {

class PublishedTrack;

class TrackOwner {
  public:
    TrackOwner() = default;
    virtual ~TrackOwner() = default;
    TrackOwner(const TrackOwner&) = delete;
    TrackOwner& operator=(const TrackOwner&) = delete;

    // Of the participant whose tracks they are; `participant_id` is "PA_...".
    [[nodiscard]] virtual const std::string& identity() const = 0;
    [[nodiscard]] virtual const std::string& participant_id() const = 0;

    // Its tracks come from another worker, which tells of it.
    [[nodiscard]] virtual bool relayed() const { return false; }

    // Others may be sent its tracks.
    [[nodiscard]] virtual bool connected() const = 0;
    [[nodiscard]] virtual const std::vector<std::unique_ptr<PublishedTrack>>& tracks() const = 0;
    // What the extensions of its packets are called.
    [[nodiscard]] virtual const rtp::HeaderExtensionParser& extension_parser() const = 0;
    // A track has something to ask for: the worker looks after the owner at the end of the call at
    // hand.
    virtual void touch() = 0;
};

}  // namespace isthmus::media::sfu
