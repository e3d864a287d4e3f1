// What two workers that share a conference tell each other now and then. Packets go by ring:
// relay_record.h.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "media/rtp/header_extension_kind.h"
#include "media/sfu/connection_description.h"

namespace isthmus::media::relay {

using WorkerIndex = std::uint32_t;

// Names somebody's tracks on the worker that they are published to; never used again there.
struct OwnerId {
    std::uint64_t value = 0;

    friend auto operator<=>(const OwnerId&, const OwnerId&) = default;
};

struct RelayedTrackInfo {
    std::string id;  // "TR_..."
    sfu::MediaSection section;
};

// Tracks that the receiver may ask for.
struct OwnerAnnounced {
    std::string conference;
    OwnerId owner;
    std::string identity;
    rtp::ExtensionIds extensions;  // of all its packets
    std::vector<RelayedTrackInfo> tracks;
};

struct OwnerWithdrawn {
    OwnerId owner;
};

// Somebody wants a track's packets, or nobody does any more.
struct TrackWanted {
    OwnerId owner;
    std::uint16_t track = 0;  // its place in OwnerAnnounced::tracks
    bool wanted = false;
};

struct KeyFrameWanted {
    OwnerId owner;
    std::uint16_t track = 0;
    std::uint32_t ssrc = 0;  // of the stream
};

using RelayMessage = std::variant<OwnerAnnounced, OwnerWithdrawn, TrackWanted, KeyFrameWanted>;

struct RelayEnvelope {
    WorkerIndex to = 0;
    RelayMessage message;
};

}  // namespace isthmus::media::relay
