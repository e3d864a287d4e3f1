// Takes one track's packets to one other worker.
#pragma once

#include <cstdint>

#include "base/spsc_ring.h"
#include "media/relay/relay_message.h"
#include "media/sfu/published_track.h"
#include "media/sfu/track_tap.h"

namespace isthmus::media::relay {

struct RelayCounters {
    std::uint64_t packets_out = 0;
    std::uint64_t packets_in = 0;
    std::uint64_t dropped_full = 0;     // the other worker reads too slowly
    std::uint64_t dropped_unknown = 0;  // of a track that is withdrawn meanwhile
};

class RelayTap final : public sfu::TrackTap {
  public:
    // All outlive the tap.
    RelayTap(sfu::PublishedTrack& track,
             OwnerId owner,
             std::uint16_t index,
             SpscRing& ring,
             RelayCounters& counters);
    ~RelayTap() override;

    void on_packets(Instant now,
                    const sfu::PublishedTrack& track,
                    std::span<const sfu::TrackPacket> packets) override;

    void set_wanted_size(sfu::WantedSize size);

    [[nodiscard]] sfu::WantedSize wanted_size() const override { return wanted_size_; }

  private:
    sfu::WantedSize wanted_size_;
    sfu::PublishedTrack& track_;
    OwnerId owner_;
    std::uint16_t index_;
    SpscRing& ring_;
    RelayCounters& counters_;
};

}  // namespace isthmus::media::relay
