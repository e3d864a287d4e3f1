#include "signaling/livekit/node_template.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "media/rtp/header_extension_kind.h"

namespace isthmus::signaling::livekit {
namespace {

using media::rtp::ExtensionKind;
using media::rtp::MediaKind;
using sdp::MediaDescription;
using sdp::PayloadType;

struct Offered {
    std::uint8_t number = 0;
    std::string_view name;
    std::uint32_t clock_hz = 90000;
    std::uint8_t channels = 1;
    std::string_view fmtp;
    std::uint8_t rtx = 0;
};

// Payload types that browsers use themselves, so that traces read alike. H.264: what they decode,
// baseline without and with fragmentation, and high.
constexpr std::array kVideo = {
    Offered{96, "VP8", 90000, 1, "", 97},
    Offered{98, "VP9", 90000, 1, "profile-id=0", 99},
    Offered{102,
            "H264",
            90000,
            1,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
            103},
    Offered{108,
            "H264",
            90000,
            1,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            109},
    Offered{123,
            "H264",
            90000,
            1,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640032",
            124},
    Offered{45, "AV1", 90000, 1, "", 46}};
constexpr std::array kAudio = {Offered{111, "opus", 48000, 2, "minptime=10;useinbandfec=1", 0},
                               Offered{63, "red", 48000, 2, "111/111", 0},
                               Offered{0, "PCMU", 8000, 1, "", 0},
                               Offered{8, "PCMA", 8000, 1, "", 0}};

constexpr std::array kVideoExtensions = {std::pair(1, ExtensionKind::kMid),
                                         std::pair(2, ExtensionKind::kAbsSendTime),
                                         std::pair(3, ExtensionKind::kTransportSequence),
                                         std::pair(4, ExtensionKind::kVideoOrientation),
                                         std::pair(5, ExtensionKind::kPlayoutDelay),
                                         std::pair(6, ExtensionKind::kDependencyDescriptor)};
constexpr std::array kAudioExtensions = {std::pair(1, ExtensionKind::kMid),
                                         std::pair(3, ExtensionKind::kTransportSequence),
                                         std::pair(7, ExtensionKind::kAudioLevel)};

void add(MediaDescription& media, PayloadType type) {
    media.formats.push_back(std::to_string(type.number));
    media.payload_types.push_back(std::move(type));
}

void add(MediaDescription& media, const Offered& offered) {
    const bool video = media.media == "video";
    std::vector<std::string> feedback = {"transport-cc"};
    if (video) {
        feedback = {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"};
    }
    add(media,
        {.number = offered.number,
         .map = sdp::RtpMap{.encoding = std::string(offered.name),
                            .clock_hz = offered.clock_hz,
                            .channels = offered.channels},
         .fmtp = std::string(offered.fmtp),
         .feedback = offered.name == "red" ? std::vector<std::string>() : std::move(feedback)});
    if (offered.rtx != 0) {
        add(media,
            {.number = offered.rtx,
             .map = sdp::RtpMap{.encoding = "rtx", .clock_hz = offered.clock_hz, .channels = 1},
             .fmtp = "apt=" + std::to_string(offered.number),
             .feedback = {}});
    }
}

template <typename Extensions>
void add_extensions(MediaDescription& media, const Extensions& extensions) {
    for (const auto& [id, kind] : extensions) {
        media.extensions.push_back({.id = static_cast<std::uint16_t>(id),
                                    .direction = {},
                                    .uri = std::string(media::rtp::uri_of(kind))});
    }
}

// Stands in for the client's transport, which its answer tells; none of it is used.
void add_transport(MediaDescription& media) {
    media.port = 9;
    media.rtcp_mux = true;
    media.ice_ufrag = "none";
    media.ice_pwd = "nonenonenonenonenonenone";
    std::string digest = "00";
    for (int i = 1; i < 32; ++i) {
        digest += ":00";
    }
    media.fingerprints = {"sha-256 " + digest};
    media.setup = sdp::Setup::kActive;
}

}  // namespace

MediaDescription make_data_template() {
    MediaDescription media;
    media.media = "application";
    media.protocol = "UDP/DTLS/SCTP";
    media.formats = {"webrtc-datachannel"};
    media.mid = "data";
    media.sctp_port = 5000;
    add_transport(media);
    return media;
}

MediaDescription make_media_template(std::string mid, MediaKind kind) {
    MediaDescription media;
    media.media = kind == MediaKind::kAudio ? "audio" : "video";
    media.protocol = "UDP/TLS/RTP/SAVPF";
    media.mid = std::move(mid);
    media.direction = sdp::StreamDirection::kReceiveOnly;
    media.rtcp_reduced_size = true;
    add_transport(media);
    if (kind == MediaKind::kAudio) {
        for (const Offered& offered : kAudio) {
            add(media, offered);
        }
        add_extensions(media, kAudioExtensions);
    } else {
        for (const Offered& offered : kVideo) {
            add(media, offered);
        }
        add_extensions(media, kVideoExtensions);
    }
    return media;
}

}  // namespace isthmus::signaling::livekit
