// Takes the packets of a track as its publisher sent them, batch by batch: a link to another
// worker, later a mixer or a recorder. Clients are served by Subscription instead.
#pragma once

#include <span>

#include "base/time.h"
#include "media/sfu/inbound_stream.h"
#include "media/sfu/layer_demand.h"

namespace isthmus::media::sfu {

class PublishedTrack;

class TrackTap {
  public:
    TrackTap() = default;
    virtual ~TrackTap() = default;
    TrackTap(const TrackTap&) = delete;
    TrackTap& operator=(const TrackTap&) = delete;

    // Once per batch; the views hold until its end.
    virtual void on_packets(Instant now,
                            const PublishedTrack& track,
                            std::span<const TrackPacket> packets) = 0;

    // Of a video. Where it changes, PublishedTrack::on_demand_changed() is called.
    [[nodiscard]] virtual WantedSize wanted_size() const { return kEverySize; }
};

}  // namespace isthmus::media::sfu
