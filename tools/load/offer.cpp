#include "tools/load/offer.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "media/rtp/header_extension_kind.h"

namespace isthmus::load {

using media::rtp::Codec;
using media::rtp::ExtensionKind;
using media::rtp::MediaKind;
using signaling::sdp::MediaDescription;
using signaling::sdp::PayloadType;
using signaling::sdp::RtpMap;
using signaling::sdp::SessionDescription;
using signaling::sdp::Setup;
using signaling::sdp::StreamDirection;

namespace {

struct OfferedCodec {
    Codec codec;
    std::uint8_t payload_type;
    std::uint8_t rtx_payload_type;  // 0: none
    const char* encoding;
    std::uint32_t clock_hz;
    std::uint8_t channels;
    const char* fmtp;
};

// Chromium's payload types.
constexpr OfferedCodec kOpus = {
    Codec::kOpus, 111, 0, "opus", 48000, 2, "minptime=10;useinbandfec=1"};
constexpr std::array<OfferedCodec, 3> kVideoCodecs = {{
    {Codec::kVp8, 96, 97, "VP8", 90000, 1, ""},
    {Codec::kH264,
     109,
     114,
     "H264",
     90000,
     1,
     "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
    {Codec::kAv1, 45, 46, "AV1", 90000, 1, "level-idx=5;profile=0;tier=0"},
}};

struct OfferedExtension {
    ExtensionKind kind;
    std::uint16_t id;
};

constexpr std::array<OfferedExtension, 4> kAudioExtensions = {
    {{ExtensionKind::kAudioLevel, 1},
     {ExtensionKind::kAbsSendTime, 2},
     {ExtensionKind::kTransportSequence, 3},
     {ExtensionKind::kMid, 4}}};
constexpr std::array<OfferedExtension, 3> kVideoExtensions = {
    {{ExtensionKind::kAbsSendTime, 2},
     {ExtensionKind::kTransportSequence, 3},
     {ExtensionKind::kMid, 4}}};
constexpr std::array<OfferedExtension, 2> kSimulcastExtensions = {
    {{ExtensionKind::kRid, 10}, {ExtensionKind::kRepairedRid, 11}}};

constexpr std::uint16_t kDiscardPort = 9;  // RFC 8839 section 4.2.1

void add_codec(const OfferedCodec& codec,
               std::vector<std::string> feedback,
               MediaDescription& media) {
    const RtpMap map{
        .encoding = codec.encoding, .clock_hz = codec.clock_hz, .channels = codec.channels};
    media.formats.push_back(std::to_string(codec.payload_type));
    media.payload_types.push_back({.number = codec.payload_type,
                                   .map = map,
                                   .fmtp = codec.fmtp,
                                   .feedback = std::move(feedback)});
    if (codec.rtx_payload_type != 0) {
        media.formats.push_back(std::to_string(codec.rtx_payload_type));
        media.payload_types.push_back(
            {.number = codec.rtx_payload_type,
             .map = RtpMap{.encoding = "rtx", .clock_hz = codec.clock_hz, .channels = 1},
             .fmtp = "apt=" + std::to_string(codec.payload_type),
             .feedback = {}});
    }
}

void add_codecs(MediaKind kind, Codec first, MediaDescription& media) {
    if (kind == MediaKind::kAudio) {
        add_codec(kOpus, {"transport-cc"}, media);
        return;
    }
    std::array<OfferedCodec, kVideoCodecs.size()> ordered = kVideoCodecs;
    std::ranges::stable_partition(
        ordered, [first](const OfferedCodec& codec) { return codec.codec == first; });
    for (const OfferedCodec& codec : ordered) {
        add_codec(codec, {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}, media);
    }
}

void add_extensions(std::span<const OfferedExtension> extensions, MediaDescription& media) {
    for (const OfferedExtension& extension : extensions) {
        media.extensions.push_back({.id = extension.id,
                                    .direction = {},
                                    .uri = std::string(media::rtp::uri_of(extension.kind))});
    }
}

[[nodiscard]] MediaDescription make_section(const OfferSpec& spec,
                                            MediaKind kind,
                                            StreamDirection direction,
                                            std::size_t index) {
    MediaDescription media;
    media.media = kind == MediaKind::kAudio ? "audio" : "video";
    media.port = kDiscardPort;
    media.protocol = "UDP/TLS/RTP/SAVPF";
    media.mid = std::to_string(index);
    media.direction = direction;
    media.rtcp_mux = true;
    media.rtcp_reduced_size = true;
    media.ice_ufrag = spec.ice.ufrag;
    media.ice_pwd = spec.ice.pwd;
    media.ice_options = {"trickle"};
    media.fingerprints = {spec.fingerprint.to_string()};
    media.setup = Setup::kActivePassive;
    add_codecs(kind, spec.video_codec, media);
    if (kind == MediaKind::kAudio) {
        add_extensions(kAudioExtensions, media);
    } else {
        add_extensions(kVideoExtensions, media);
    }
    return media;
}

void add_track(const OfferSpec& spec,
               const OfferedTrack& track,
               std::size_t index,
               MediaDescription& media) {
    media.msid = spec.cname + " " + track_id_of(track.kind, index);
    if (!track.rids.empty()) {
        add_extensions(kSimulcastExtensions, media);
        media.simulcast.emplace();
        for (const std::string& rid : track.rids) {
            media.rids.push_back({.id = rid, .send = true, .restrictions = {}});
            media.simulcast->send.push_back({.rid = rid});
        }
        return;
    }
    media.ssrcs.push_back({.ssrc = track.ssrc, .cname = spec.cname, .msid = {}});
    if (track.kind == MediaKind::kVideo) {
        media.ssrcs.push_back({.ssrc = track.rtx_ssrc, .cname = spec.cname, .msid = {}});
        media.ssrc_groups.push_back({.semantics = "FID", .ssrcs = {track.ssrc, track.rtx_ssrc}});
    }
}

}  // namespace

std::string track_id_of(MediaKind kind, std::size_t index) {
    return (kind == MediaKind::kAudio ? "audio" : "video") + std::to_string(index);
}

SessionDescription make_offer(const OfferSpec& spec) {
    SessionDescription offer;
    offer.session_id = spec.session_id;
    offer.session_version = 1 + spec.session_version;
    offer.extmap_allow_mixed = true;
    for (const OfferedTrack& track : spec.tracks) {
        MediaDescription media =
            make_section(spec, track.kind, StreamDirection::kSendOnly, offer.media.size());
        add_track(spec, track, offer.media.size(), media);
        offer.media.push_back(std::move(media));
    }
    for (const MediaKind kind : spec.receive) {
        offer.media.push_back(
            make_section(spec, kind, StreamDirection::kReceiveOnly, offer.media.size()));
    }
    std::vector<std::string> bundle;
    bundle.reserve(offer.media.size());
    for (const MediaDescription& media : offer.media) {
        bundle.push_back(media.mid);
    }
    offer.bundle_groups = {bundle};
    return offer;
}

}  // namespace isthmus::load
