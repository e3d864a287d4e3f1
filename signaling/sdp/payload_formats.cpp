#include "signaling/sdp/payload_formats.h"

#include <algorithm>

#include "signaling/sdp/text.h"

namespace isthmus::signaling::sdp {
namespace {

using media::rtp::Codec;
using media::rtp::MediaKind;
using media::rtp::PayloadFormat;

[[nodiscard]] std::string_view trim(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    return text;
}

// A small number in fmtp; `absent` where the parameter is not there, nothing where it is no number.
[[nodiscard]] std::optional<unsigned> number_in(std::string_view fmtp,
                                                std::string_view name,
                                                unsigned absent) {
    const std::optional<std::string_view> value = find_fmtp_parameter(fmtp, name);
    return value ? parse_number<unsigned>(*value) : absent;
}

[[nodiscard]] bool at_most(std::optional<unsigned> number, unsigned limit) {
    return number && *number <= limit;
}

// Baseline (constrained or not), main and high; RFC 6184 section 8.1. Interleaved mode (2) is not
// forwarded: nobody sends it.
[[nodiscard]] bool is_usable_h264(std::string_view fmtp) {
    if (!at_most(number_in(fmtp, "packetization-mode", 0), 1)) {
        return false;
    }
    // Without the parameter: baseline, level 1.
    const std::string_view profile =
        find_fmtp_parameter(fmtp, "profile-level-id").value_or("42000a");
    const std::optional<unsigned> value = parse_number<unsigned>(profile, 16);
    if (profile.size() != 6 || !value) {
        return false;
    }
    const unsigned profile_idc = *value >> 16U;
    return profile_idc == 66 || profile_idc == 77 || profile_idc == 100;
}

[[nodiscard]] bool is_usable(Codec codec, const RtpMap& map, std::string_view fmtp) {
    switch (codec) {
        case Codec::kOpus:
            return map.clock_hz == 48000 && map.channels == 2;  // RFC 7587 section 7
        case Codec::kPcmu:
        case Codec::kPcma:
            return map.clock_hz == 8000 && map.channels == 1;
        case Codec::kVp8:
            return map.clock_hz == 90000;
        case Codec::kVp9:
            return map.clock_hz == 90000 && at_most(number_in(fmtp, "profile-id", 0), 3);
        case Codec::kAv1:
            return map.clock_hz == 90000 && at_most(number_in(fmtp, "profile", 0), 2);
        case Codec::kH264:
            return map.clock_hz == 90000 && is_usable_h264(fmtp);
    }
    return false;
}

// Is `rtx` a retransmission type for payload type `number`? RFC 4588 section 8.1.
[[nodiscard]] bool is_rtx_for(const PayloadType& rtx, std::uint8_t number, std::uint32_t clock_hz) {
    if (!rtx.map || !equal_without_case(rtx.map->encoding, "rtx") ||
        rtx.map->clock_hz != clock_hz || rtx.number == number) {
        return false;
    }
    const std::optional<std::string_view> apt = find_fmtp_parameter(rtx.fmtp, "apt");
    return apt && parse_number<std::uint8_t>(*apt) == number;
}

[[nodiscard]] std::optional<std::uint8_t> find_rtx(const MediaDescription& offered,
                                                   std::uint8_t number,
                                                   std::uint32_t clock_hz) {
    for (const PayloadType& rtx : offered.payload_types) {
        if (is_rtx_for(rtx, number, clock_hz)) {
            return rtx.number;
        }
    }
    return std::nullopt;
}

// RFC 2198 section 5: the fmtp names the types of the blocks, "111/111". Only RED of one codec is
// taken: what the blocks are must not change on the way.
[[nodiscard]] bool is_red_for(const PayloadType& red, std::uint8_t number, const RtpMap& map) {
    if (!red.map || !equal_without_case(red.map->encoding, "red") ||
        red.map->clock_hz != map.clock_hz || red.map->channels != map.channels) {
        return false;
    }
    std::string_view types = trim(red.fmtp);
    if (types.empty()) {
        return false;
    }
    while (!types.empty()) {
        if (parse_number<std::uint8_t>(take_until(types, '/')) != number) {
            return false;
        }
    }
    return true;
}

void find_red(const MediaDescription& offered, const RtpMap& map, PayloadFormat& format) {
    bool before = true;
    for (const PayloadType& type : offered.payload_types) {
        if (type.number == format.payload_type) {
            before = false;
        } else if (is_red_for(type, format.payload_type, map)) {
            format.red_payload_type = type.number;
            format.red_first = before;
            return;
        }
    }
}

[[nodiscard]] PayloadFormat format_of(Codec codec,
                                      const RtpMap& map,
                                      const PayloadType& type,
                                      const MediaDescription& offered) {
    const auto has = [&type](std::string_view feedback) {
        return std::ranges::any_of(type.feedback, [feedback](const std::string& offered_feedback) {
            return trim(offered_feedback) == feedback;
        });
    };
    return {.payload_type = type.number,
            .codec = codec,
            .clock_hz = map.clock_hz,
            .channels = map.channels,
            .fmtp = type.fmtp,
            .rtx_payload_type = find_rtx(offered, type.number, map.clock_hz),
            .nack = has("nack"),
            .pli = has("nack pli"),
            .fir = has("ccm fir"),
            .transport_cc = has("transport-cc"),
            .remb = has("goog-remb")};
}

}  // namespace

std::optional<std::string_view> find_fmtp_parameter(std::string_view fmtp, std::string_view name) {
    while (!fmtp.empty()) {
        std::string_view value = take_until(fmtp, ';');
        const std::string_view found = trim(take_until(value, '='));
        if (equal_without_case(found, name)) {
            return trim(value);
        }
    }
    return std::nullopt;
}

std::optional<std::uint8_t> find_flexfec(const MediaDescription& offered) {
    const auto found = std::ranges::find_if(offered.payload_types, [](const PayloadType& type) {
        return type.map && type.map->clock_hz == 90000 &&
               equal_without_case(type.map->encoding, "flexfec-03");
    });
    return offered.media != "video" || found == offered.payload_types.end()
               ? std::nullopt
               : std::optional(found->number);
}

std::vector<PayloadFormat> select_payload_formats(const MediaDescription& offered,
                                                  std::span<const Codec> codecs) {
    const MediaKind kind = offered.media == "audio" ? MediaKind::kAudio : MediaKind::kVideo;
    std::vector<PayloadFormat> formats;
    for (const PayloadType& type : offered.payload_types) {
        if (!type.map) {
            continue;
        }
        const std::optional<Codec> codec = media::rtp::codec_from_name(type.map->encoding);
        if (codec && media::rtp::kind_of(*codec) == kind &&
            std::ranges::find(codecs, *codec) != codecs.end() &&
            is_usable(*codec, *type.map, type.fmtp)) {
            formats.push_back(format_of(*codec, *type.map, type, offered));
            if (*codec == Codec::kOpus) {
                find_red(offered, *type.map, formats.back());
            }
        }
    }
    return formats;
}

}  // namespace isthmus::signaling::sdp
