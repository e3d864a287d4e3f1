#include "media/layers/layer_meter.h"

#include <algorithm>

namespace isthmus::media::layers {

void LayerMeter::on_packet(Instant now,
                           const PacketLayers& packet,
                           rtp::RtpTimestamp timestamp,
                           std::size_t bytes) {
    newest_ = now;
    auto own = std::ranges::lower_bound(rows_, packet.layer, {}, &Row::layer);
    if (own == rows_.end() || own->layer != packet.layer) {
        if (rows_.size() < kMax) {
            own = rows_.insert(own, Row{.layer = packet.layer});
        } else {
            own = rows_.end();
        }
    }
    if (own != rows_.end()) {
        own->last = now;
    }
    for (Row& row : rows_) {
        if (!packet.needed_by.has(row.layer)) {
            continue;
        }
        row.bytes.on_bytes(now, bytes);
        if (row.picture != timestamp) {
            row.picture = timestamp;
            row.pictures.on_bytes(now, 1);
        }
    }
}

const std::vector<MeasuredLayer>& LayerMeter::measure(Instant now) {
    measured_.clear();
    for (Row& row : rows_) {
        measured_.push_back({.layer = row.layer,
                             .bits_per_second = row.bytes.bits_per_second(now),
                             .pictures_per_second = row.pictures.bits_per_second(now) / 8,
                             .alive = newest_ - row.last <= kSilenceMax});
    }
    return measured_;
}

}  // namespace isthmus::media::layers
