// A packet on its way towards the receiver, and what became of it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::congestion {

// Numbers the runs of packets that are sent to measure the path (prober.h); 0 is none, and is
// skipped where the count wraps.
using ProbeClusterId = std::uint8_t;

inline constexpr ProbeClusterId kNoProbe = 0;

struct SentPacket {
    std::uint16_t seq = 0;    // transport-wide
    std::uint16_t bytes = 0;  // on the line, with the headers of IP and UDP
    ProbeClusterId probe = kNoProbe;
    bool is_padding = false;  // sent for the probe alone
    // As the receiver sees them; only for those whose feedback is RFC 8888's.
    std::uint32_t ssrc = 0;
    std::uint16_t rtp_seq = 0;
};

struct PacketResult {
    rtp::ExtendedSeq seq{};
    Instant sent_at;
    // On the receiver's clock, which counts from an origin of its own. Nothing where the packet is
    // lost, or the receiver does not say when.
    std::optional<Duration> arrived_at;
    std::uint16_t bytes = 0;
    ProbeClusterId probe = kNoProbe;
    bool is_padding = false;
    bool received = false;
    // An earlier feedback said that it was lost.
    bool was_lost = false;
};

}  // namespace isthmus::media::congestion
