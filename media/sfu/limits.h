// How much one conference, participant or stream may take of a worker. All bounds are inclusive.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::sfu {

struct SfuLimits {
    std::uint32_t participants_per_conference = 1000;
    // Media sections that a participant may publish on.
    std::uint32_t tracks_per_participant = 16;
    // Media sections of one connection, whatever they are for.
    std::uint32_t sections_per_participant = 2048;
    // SSRCs, retransmission included, that one media section may bring in a session: a client that
    // changes its SSRC over and over is cut off here.
    std::uint32_t ssrcs_per_track = 16;
    // RTP payload that one participant may publish, bits per second, averaged over a second; what
    // comes above is dropped and counted. 0: no bound.
    std::uint64_t publish_bitrate_bps_max = 20'000'000;
    // Audio tracks of one conference that are sent on, the loudest; 0: all. At most 16.
    std::uint32_t audio_loudest = 3;
    // A conference with no more audio tracks than this is small: all of them are sent on.
    std::uint32_t audio_all_up_to = 0;
    // What one video track may keep for retransmission.
    std::size_t cache_bytes = 1U << 20U;
    Duration cache_age = std::chrono::seconds(1);
    // Payload sent again to one receiver of one track, at most.
    std::size_t retransmission_bytes_per_second = 250'000;
};

}  // namespace isthmus::media::sfu
