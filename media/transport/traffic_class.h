// What routers and Wi-Fi are told of a datagram: the six bits of RFC 2474 in the IP header.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::media::transport {

// What a datagram carries. RTP is marked by its kind; STUN, DTLS and RTCP are control and are not
// marked.
enum class TrafficKind : std::uint8_t { kControl, kAudio, kVideo };

inline constexpr std::size_t kTrafficKinds = 3;

struct TrafficClass {
    std::uint8_t dscp = 0;  // 0 to 63; 0: as the network treats everything

    // "EF", "AF41", "CS5", "DF" and the like (RFC 2474, 2597, 3246), upper or lower case, or "0" to
    // "63".
    [[nodiscard]] static std::optional<TrafficClass> parse(std::string_view text);
    // The name where it has one.
    [[nodiscard]] std::string to_string() const;

    // The byte of the IP header, whose lower two bits are ECN's (RFC 3168): not ECN-capable.
    [[nodiscard]] constexpr std::uint8_t tos() const {
        return static_cast<std::uint8_t>(dscp << 2U);
    }

    friend bool operator==(const TrafficClass&, const TrafficClass&) = default;
};

// By TrafficKind.
struct TrafficMarking {
    // RFC 8837 section 5: audio, and interactive video, at the priorities that browsers give them.
    TrafficClass audio{46};  // EF
    TrafficClass video{34};  // AF41

    [[nodiscard]] std::array<std::uint8_t, kTrafficKinds> tos() const {
        return {0, audio.tos(), video.tos()};
    }

    friend bool operator==(const TrafficMarking&, const TrafficMarking&) = default;
};

inline constexpr TrafficMarking kUnmarked{.audio = {0}, .video = {0}};

}  // namespace isthmus::media::transport
