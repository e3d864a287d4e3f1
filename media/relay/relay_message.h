// What two workers that share a conference tell each other now and then. Packets go by ring:
// relay_record.h.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "media/rtp/header_extension_kind.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/layer_demand.h"

namespace isthmus::media::relay {

using WorkerIndex = std::uint32_t;

// Names somebody's tracks on the worker that they are published to; never used again there.
struct OwnerId {
    std::uint64_t value = 0;

    friend auto operator<=>(const OwnerId&, const OwnerId&) = default;
};

struct RelayedTrackInfo {
    std::uint16_t number = 0;  // of its owner's; never used again
    std::string id;            // "TR_..."
    sfu::MediaSection section;
};

// Tracks that the receiver may ask for.
struct OwnerAnnounced {
    std::string conference;
    OwnerId owner;
    std::string identity;
    std::string participant_id;
    rtp::ExtensionIds extensions;  // of all its packets
    std::vector<RelayedTrackInfo> tracks;
};

struct OwnerWithdrawn {
    OwnerId owner;
};

// One more of an owner that was announced, or one less.
struct TrackAnnounced {
    OwnerId owner;
    rtp::ExtensionIds extensions;
    RelayedTrackInfo track;
};

struct TrackWithdrawn {
    OwnerId owner;
    std::uint16_t track = 0;  // RelayedTrackInfo::number, as below
};

// Somebody wants a track's packets, or nobody does any more.
struct TrackWanted {
    OwnerId owner;
    std::uint16_t track = 0;
    bool wanted = false;
    sfu::WantedSize size = sfu::kEverySize;  // video: the largest that anybody there wants
};

struct KeyFrameWanted {
    OwnerId owner;
    std::uint16_t track = 0;
    std::uint32_t ssrc = 0;  // of the stream
};

using RelayMessage = std::variant<OwnerAnnounced,
                                  OwnerWithdrawn,
                                  TrackAnnounced,
                                  TrackWithdrawn,
                                  TrackWanted,
                                  KeyFrameWanted>;

struct RelayEnvelope {
    WorkerIndex to = 0;
    RelayMessage message;
};

}  // namespace isthmus::media::relay
