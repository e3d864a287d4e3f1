// Reads the header extensions of received packets.
//
// The ids differ from connection to connection, so each connection has a parser of its own.
// Elements with unknown ids are skipped; one that runs past the block ends it, and what came before
// counts.
//
// Specification: RFC 8285 section 4.2 and 4.3, and those named in header_extension_kind.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/byte_order.h"
#include "base/time.h"
#include "media/rtp/header_extension_kind.h"
#include "media/rtp/rtp_packet.h"

namespace isthmus::media::rtp {

inline constexpr std::uint16_t kOneByteExtensionProfile = 0xbede;
// The lower four bits are the application's and mean nothing here.
inline constexpr std::uint16_t kTwoByteExtensionProfile = 0x1000;
inline constexpr std::uint16_t kTwoByteExtensionProfileMask = 0xfff0;

// RFC 6464 section 3.
struct AudioLevel {
    std::uint8_t minus_dbov = 127;  // 0 is the loudest, 127 silence
    bool voice = false;             // the sender believes that this is speech

    friend bool operator==(const AudioLevel&, const AudioLevel&) = default;
};

// In units of 10 ms, 12 bits each.
struct PlayoutDelay {
    std::uint16_t min_10ms = 0;
    std::uint16_t max_10ms = 0;

    friend bool operator==(const PlayoutDelay&, const PlayoutDelay&) = default;
};

// What one packet says. Text and spans point into the packet; they are whatever the peer sent.
struct HeaderExtensions {
    std::string_view mid = {};           // empty where absent
    std::string_view rid = {};           // empty where absent
    std::string_view repaired_rid = {};  // empty where absent; on RTX packets
    std::optional<std::uint32_t> abs_send_time =
        std::nullopt;  // 24 bits: seconds modulo 64, 18 of them fraction
    std::optional<std::uint16_t> transport_sequence = std::nullopt;
    std::optional<AudioLevel> audio_level = std::nullopt;
    std::optional<std::uint8_t> video_orientation = std::nullopt;  // 0000CFRR
    std::optional<PlayoutDelay> playout_delay = std::nullopt;
    std::span<const std::byte> dependency_descriptor = {};  // empty where absent
};

class HeaderExtensionParser {
  public:
    HeaderExtensionParser() = default;
    explicit HeaderExtensionParser(const ExtensionIds& ids);

    [[nodiscard]] HeaderExtensions parse(const RtpPacketView& packet) const;

  private:
    static constexpr std::uint8_t kUnknown = 0xff;

    // ExtensionKind by id.
    std::array<std::uint8_t, 256> kinds_ = [] {
        std::array<std::uint8_t, 256> kinds{};
        kinds.fill(kUnknown);
        return kinds;
    }();
};

// Calls `visit(id, value)` for each element of the block, in order. False where the profile is
// neither of RFC 8285's or an element runs past the end; the elements before it have been visited.
template <typename Visit>
bool for_each_extension(std::uint16_t profile, std::span<const std::byte> block, Visit&& visit) {
    const bool one_byte = profile == kOneByteExtensionProfile;
    if (!one_byte && (profile & kTwoByteExtensionProfileMask) != kTwoByteExtensionProfile) {
        return block.empty();
    }
    std::size_t at = 0;
    while (at < block.size()) {
        const std::uint8_t first = load_u8(&block[at]);
        if (first == 0) {  // padding between or after elements
            ++at;
            continue;
        }
        std::uint8_t id = first;
        std::size_t bytes = 0;
        if (one_byte) {
            id = static_cast<std::uint8_t>(first >> 4U);
            bytes = (first & 0x0fU) + 1U;
            at += 1;
            // 15 ends the block whatever follows; 0 with a length is nothing that may be sent.
            if (id == 15 || id == 0) {
                return id == 15;
            }
        } else {
            if (block.size() - at < 2) {
                return false;
            }
            bytes = load_u8(&block[at + 1]);
            at += 2;
        }
        if (bytes > block.size() - at) {
            return false;
        }
        visit(id, block.subspan(at, bytes));
        at += bytes;
    }
    return true;
}

// The 24 bits of abs-send-time for `now`; their origin means nothing, differences do.
[[nodiscard]] std::uint32_t abs_send_time_of(Instant now);

}  // namespace isthmus::media::rtp
