#include "media/rtp/header_extensions.h"

#include <algorithm>

namespace isthmus::media::rtp {
namespace {

// Some senders fill ids up with NUL, which no SDES item contains (RFC 7941 section 4.1).
std::string_view text_of(std::span<const std::byte> value) {
    const std::string_view text(reinterpret_cast<const char*>(value.data()), value.size());
    return text.substr(0, std::min(text.find('\0'), text.size()));
}

void read_audio_level(std::span<const std::byte> value, HeaderExtensions& into) {
    // One byte; two in the two-byte form where the second is padding (RFC 6464 section 3).
    if (!value.empty()) {
        const std::uint8_t byte = load_u8(value.data());
        into.audio_level = AudioLevel{.minus_dbov = static_cast<std::uint8_t>(byte & 0x7fU),
                                      .voice = (byte & 0x80U) != 0};
    }
}

void read_playout_delay(std::span<const std::byte> value, HeaderExtensions& into) {
    if (value.size() == 3) {
        const std::uint32_t both = load_be24(value.data());
        into.playout_delay = PlayoutDelay{.min_10ms = static_cast<std::uint16_t>(both >> 12U),
                                          .max_10ms = static_cast<std::uint16_t>(both & 0xfffU)};
    }
}

void read_element(ExtensionKind kind, std::span<const std::byte> value, HeaderExtensions& into) {
    switch (kind) {
        case ExtensionKind::kMid:
            into.mid = text_of(value);
            break;
        case ExtensionKind::kRid:
            into.rid = text_of(value);
            break;
        case ExtensionKind::kRepairedRid:
            into.repaired_rid = text_of(value);
            break;
        case ExtensionKind::kAbsSendTime:
            if (value.size() == 3) {
                into.abs_send_time = load_be24(value.data());
            }
            break;
        case ExtensionKind::kTransportSequence:
            // Version 2 of the extension has two bytes more, which ask for feedback.
            if (value.size() == 2 || value.size() == 4) {
                into.transport_sequence = load_be16(value.data());
            }
            break;
        case ExtensionKind::kAudioLevel:
            read_audio_level(value, into);
            break;
        case ExtensionKind::kVideoOrientation:
            if (!value.empty()) {
                into.video_orientation = load_u8(value.data());
            }
            break;
        case ExtensionKind::kPlayoutDelay:
            read_playout_delay(value, into);
            break;
        case ExtensionKind::kDependencyDescriptor:
            into.dependency_descriptor = value;
            break;
    }
}

}  // namespace

HeaderExtensionParser::HeaderExtensionParser(const ExtensionIds& ids) {
    for (std::size_t i = 0; i < kExtensionKinds; ++i) {
        const std::uint8_t id = ids.id_of(static_cast<ExtensionKind>(i));
        if (id != 0) {
            kinds_[id] = static_cast<std::uint8_t>(i);
        }
    }
}

HeaderExtensions HeaderExtensionParser::parse(const RtpPacketView& packet) const {
    HeaderExtensions extensions;
    for_each_extension(packet.extension_profile,
                       packet.extension,
                       [&](std::uint8_t id, std::span<const std::byte> value) {
                           if (kinds_[id] != kUnknown) {
                               read_element(
                                   static_cast<ExtensionKind>(kinds_[id]), value, extensions);
                           }
                       });
    return extensions;
}

std::uint32_t abs_send_time_of(Instant now) {
    constexpr std::int64_t kCycleNs = 64'000'000'000;
    const std::int64_t since_origin = now.time_since_epoch().count() % kCycleNs;
    const auto ns =
        static_cast<std::uint64_t>(since_origin < 0 ? since_origin + kCycleNs : since_origin);
    return static_cast<std::uint32_t>((ns << 18U) / 1'000'000'000U);
}

}  // namespace isthmus::media::rtp
