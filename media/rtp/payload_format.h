// Codecs and what the two ends agreed to call them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus::media::rtp {

enum class MediaKind : std::uint8_t { kAudio, kVideo };

enum class Codec : std::uint8_t { kOpus, kPcmu, kPcma, kVp8, kVp9, kAv1, kH264 };

[[nodiscard]] MediaKind kind_of(Codec codec);
// The name in a=rtpmap: "opus", "PCMU", "VP8", "H264", ...
[[nodiscard]] std::string_view name_of(Codec codec);
// Case-insensitive, as RFC 8866 section 6.6 has it.
[[nodiscard]] std::optional<Codec> codec_from_name(std::string_view name);

// One negotiated payload type of one media section, with its retransmission type if there is one.
struct PayloadFormat {
    std::uint8_t payload_type = 0;
    Codec codec = Codec::kOpus;
    std::uint32_t clock_hz = 48000;
    std::uint8_t channels = 1;
    std::string fmtp;  // the value of a=fmtp after the payload type; empty without one
    std::optional<std::uint8_t> rtx_payload_type;  // RFC 4588
    // Audio: the same with earlier frames beside it (RFC 2198).
    std::optional<std::uint8_t> red_payload_type = std::nullopt;
    bool red_first = false;  // whoever offered it would rather send that
    bool nack = false;
    bool pli = false;
    bool fir = false;
    bool transport_cc = false;
    bool remb = false;

    // Is `type` this format, by itself or within RED?
    [[nodiscard]] bool carries(std::uint8_t type) const {
        return type == payload_type || type == red_payload_type;
    }

    friend bool operator==(const PayloadFormat&, const PayloadFormat&) = default;
};

// May a stream in `published` be sent as `wanted` without a change to the payload? Same codec and
// rate; H.264: same packetization-mode, a profile that decodes the other (constrained baseline in
// baseline, main and high; main in high) and, unless level-asymmetry-allowed, a level not below
// (RFC 6184 section 8.2.2); VP9 and AV1: same profile. Nothing said means the codec's default.
[[nodiscard]] bool can_forward(const PayloadFormat& published, const PayloadFormat& wanted);

// The format of `wanted` that takes `published` best, or null.
[[nodiscard]] const PayloadFormat* find_forwardable(const PayloadFormat& published,
                                                    const std::vector<PayloadFormat>& wanted);

}  // namespace isthmus::media::rtp
