#include "media/rtp/payload_format.h"

#include <algorithm>
#include <array>

#include "media/rtp/h264_profile.h"

namespace isthmus::media::rtp {
namespace {

struct CodecName {
    Codec codec;
    MediaKind kind;
    std::string_view name;
};

constexpr std::array kCodecs = {
    CodecName{Codec::kOpus, MediaKind::kAudio, "opus"},
    CodecName{Codec::kPcmu, MediaKind::kAudio, "PCMU"},
    CodecName{Codec::kPcma, MediaKind::kAudio, "PCMA"},
    CodecName{Codec::kVp8, MediaKind::kVideo, "VP8"},
    CodecName{Codec::kVp9, MediaKind::kVideo, "VP9"},
    CodecName{Codec::kAv1, MediaKind::kVideo, "AV1"},
    CodecName{Codec::kH264, MediaKind::kVideo, "H264"},
};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The value of `name` in "a=1; b=2", or nothing.
std::optional<std::string_view> parameter(std::string_view fmtp, std::string_view name) {
    while (!fmtp.empty()) {
        const std::size_t end = std::min(fmtp.find(';'), fmtp.size());
        const std::string_view item = fmtp.substr(0, end);
        const std::size_t equals = item.find('=');
        if (equals != std::string_view::npos &&
            equal_ignoring_case(trimmed(item.substr(0, equals)), name)) {
            return trimmed(item.substr(equals + 1));
        }
        fmtp.remove_prefix(std::min(end + 1, fmtp.size()));
    }
    return std::nullopt;
}

std::string_view parameter_or(const PayloadFormat& format,
                              std::string_view name,
                              std::string_view otherwise) {
    return parameter(format.fmtp, name).value_or(otherwise);
}

std::optional<H264ProfileLevel> profile_level_of(const PayloadFormat& format) {
    const auto text = parameter(format.fmtp, "profile-level-id");
    return text ? H264ProfileLevel::parse(*text) : H264ProfileLevel{};
}

bool can_forward_h264(const PayloadFormat& published, const PayloadFormat& wanted) {
    // SPEC rfc6184#8.1: packetization-mode is 0 where nothing is said.
    if (parameter_or(published, "packetization-mode", "0") !=
        parameter_or(wanted, "packetization-mode", "0")) {
        return false;
    }
    const auto stream = profile_level_of(published);
    const auto decoder = profile_level_of(wanted);
    if (!stream || !decoder || !decodes(decoder->profile, stream->profile)) {
        return false;
    }
    return parameter_or(wanted, "level-asymmetry-allowed", "0") == "1" ||
           decoder->level_twice >= stream->level_twice;
}

// How well `wanted` suits; more is better. Only for what can be forwarded.
int affinity(const PayloadFormat& published, const PayloadFormat& wanted) {
    int points = wanted.rtx_payload_type ? 1 : 0;
    if (published.codec == Codec::kH264) {
        const auto stream = profile_level_of(published);
        const auto decoder = profile_level_of(wanted);
        points += stream && decoder && stream->profile == decoder->profile ? 2 : 0;
    }
    return points;
}

}  // namespace

MediaKind kind_of(Codec codec) {
    return kCodecs[static_cast<std::size_t>(codec)].kind;
}

std::string_view name_of(Codec codec) {
    return kCodecs[static_cast<std::size_t>(codec)].name;
}

std::optional<Codec> codec_from_name(std::string_view name) {
    const auto found = std::ranges::find_if(
        kCodecs, [name](const CodecName& entry) { return equal_ignoring_case(entry.name, name); });
    return found == kCodecs.end() ? std::nullopt : std::optional(found->codec);
}

bool can_forward(const PayloadFormat& published, const PayloadFormat& wanted) {
    if (published.codec != wanted.codec || published.clock_hz != wanted.clock_hz ||
        published.channels != wanted.channels) {
        return false;
    }
    switch (published.codec) {
        case Codec::kOpus:
        case Codec::kPcmu:
        case Codec::kPcma:
        case Codec::kVp8:
            return true;
        case Codec::kVp9:  // RFC 9628 section 6: profile-id is 0 where nothing is said
            return parameter_or(published, "profile-id", "0") ==
                   parameter_or(wanted, "profile-id", "0");
        case Codec::kAv1:  // AV1 RTP specification, section 7.2.3
            return parameter_or(published, "profile", "0") == parameter_or(wanted, "profile", "0");
        case Codec::kH264:
            return can_forward_h264(published, wanted);
    }
    return false;
}

const PayloadFormat* find_forwardable(const PayloadFormat& published,
                                      const std::vector<PayloadFormat>& wanted) {
    const PayloadFormat* best = nullptr;
    int best_affinity = -1;
    for (const PayloadFormat& format : wanted) {
        if (can_forward(published, format)) {
            const int points = affinity(published, format);
            if (points > best_affinity) {
                best = &format;
                best_affinity = points;
            }
        }
    }
    return best;
}

}  // namespace isthmus::media::rtp
