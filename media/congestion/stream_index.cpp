#include "media/congestion/stream_index.h"

#include <algorithm>

namespace isthmus::media::congestion {

void StreamIndex::insert(std::uint32_t ssrc, std::uint16_t rtp_seq, std::uint16_t transport_seq) {
    if (table_.empty()) {
        table_.resize(sets_ * kWays);
    }
    Entry* const set = &table_[set_of(ssrc, rtp_seq) * kWays];
    std::move_backward(set, set + kWays - 1, set + kWays);
    set[0] = {.ssrc = ssrc, .rtp_seq = rtp_seq, .transport_seq = transport_seq};
}

std::optional<std::uint16_t> StreamIndex::find(std::uint32_t ssrc, std::uint16_t rtp_seq) const {
    if (table_.empty()) {
        return std::nullopt;
    }
    const Entry* const set = &table_[set_of(ssrc, rtp_seq) * kWays];
    for (std::size_t way = 0; way < kWays; ++way) {
        if (set[way].ssrc == ssrc && set[way].rtp_seq == rtp_seq) {
            return set[way].transport_seq;
        }
    }
    return std::nullopt;
}

}  // namespace isthmus::media::congestion
