// One packet on its way from worker to worker: plain RTP behind what the receiver cannot see from
// it.
//
// Both ends are the same process: the layout is the machine's, and nothing in it is checked but
// what comes from clients.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/spsc_ring.h"
#include "base/time.h"
#include "media/relay/relay_message.h"
#include "media/rtp/rtp_clock.h"

namespace isthmus::media::relay {

struct RelayRecord {
    // RFC 8851's rids are that short in every client; a longer one is cut, alike each time.
    static constexpr std::size_t kRidBytesMax = 16;

    OwnerId owner;
    std::uint16_t track = 0;
    std::uint8_t rid_bytes = 0;
    bool has_clock = false;
    bool resumes = false;  // TrackPacket::resumes
    rtp::RtpTimestamp clock_timestamp{};
    Instant clock_at{};  // the instant at which the stream shows clock_timestamp
    std::array<char, kRidBytesMax> rid_text{};

    [[nodiscard]] std::string_view rid() const { return {rid_text.data(), rid_bytes}; }

    void set_rid(std::string_view rid);

    [[nodiscard]] std::optional<rtp::ClockAnchor> clock() const {
        return has_clock ? std::optional(rtp::ClockAnchor{clock_at, clock_timestamp})
                         : std::nullopt;
    }
};

// False where the ring is full.
bool write_record(SpscRing& ring, const RelayRecord& record, std::span<const std::byte> packet);

struct ReadRecord {
    RelayRecord record;
    std::span<std::byte> packet;  // in the ring, until release()
};

[[nodiscard]] ReadRecord read_record(std::span<std::byte> bytes);

}  // namespace isthmus::media::relay
