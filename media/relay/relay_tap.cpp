#include "media/relay/relay_tap.h"

#include "media/relay/relay_record.h"

namespace isthmus::media::relay {

RelayTap::RelayTap(sfu::PublishedTrack& track,
                   OwnerId owner,
                   std::uint16_t index,
                   SpscRing& ring,
                   RelayCounters& counters)
    : track_(track), owner_(owner), index_(index), ring_(ring), counters_(counters) {
    track_.add(*this);
}

RelayTap::~RelayTap() {
    track_.remove(*this);
}

void RelayTap::set_wanted_size(sfu::WantedSize size) {
    wanted_size_ = size;
    track_.on_demand_changed();
}

void RelayTap::on_packets(Instant /*now*/,
                          const sfu::PublishedTrack& /*track*/,
                          std::span<const sfu::TrackPacket> packets) {
    for (const sfu::TrackPacket& packet : packets) {
        RelayRecord record{.owner = owner_, .track = index_, .resumes = packet.resumes};
        record.set_rid(packet.stream->rid);
        if (const auto clock = packet.stream->clock.anchor()) {
            record.has_clock = true;
            record.clock_at = clock->at;
            record.clock_timestamp = clock->timestamp;
        }
        if (write_record(ring_, record, packet.packet.bytes)) {
            ++counters_.packets_out;
        } else {
            ++counters_.dropped_full;
        }
    }
}

}  // namespace isthmus::media::relay
