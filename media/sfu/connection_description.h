// What signaling negotiated for one client's connection, without any SDP in it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/data/data_description.h"
#include "media/rtp/header_extension_kind.h"
#include "media/rtp/payload_format.h"
#include "media/sfu/track_source.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"

namespace isthmus::media::sfu {

// Seen from the node.
enum class Direction : std::uint8_t { kInactive, kReceive, kSend, kSendReceive };

// One encoding of a video that the client announced: by rid, by SSRC, or both unknown until it
// comes. 0 where the client sets no limit.
struct Encoding {
    std::string rid;                    // empty where encodings are told apart by SSRC
    std::optional<std::uint32_t> ssrc;  // nothing where told apart by rid
    std::optional<std::uint32_t> rtx_ssrc;
    bool paused = false;  // not sent from the beginning
    std::uint32_t max_width = 0;
    std::uint32_t max_height = 0;
    std::uint32_t max_fps = 0;
    std::uint32_t max_bitrate_bps = 0;

    friend bool operator==(const Encoding&, const Encoding&) = default;
};

// One m= section of the BUNDLE.
struct MediaSection {
    std::string mid;
    rtp::MediaKind kind = rtp::MediaKind::kAudio;
    Direction direction = Direction::kInactive;
    // Accepted formats in the answer's order. Empty: the section is rejected (port 0).
    std::vector<rtp::PayloadFormat> formats;
    // Sending video: what repair packets are called (flexfec-03), if the client takes them.
    std::optional<std::uint8_t> flexfec_payload_type = std::nullopt;
    rtp::ExtensionIds extensions;
    bool rtcp_reduced_size = false;  // RFC 5506
    // Sending: the client tells by SSRC when packets arrive (RFC 8888), not by the formats'
    // transport_cc.
    bool congestion_feedback = false;
    // Receiving: what the client announced; RTP may also come with none of it (RFC 8843
    // section 9.2).
    std::vector<std::uint32_t> ssrcs;  // a=ssrc, FID and SIM groups flattened
    // Video: in the client's order, commonly from small to large; empty where nothing is said, one
    // without simulcast.
    std::vector<Encoding> encodings;
    // Receiving: what the track is called ("TR_..."); empty: the node makes one. The same name in a
    // later description is the same track going on.
    std::string published_id = {};
    // Sending, where JoinRequest::names_tracks: the id of the track that goes here, now or once it
    // is published; empty: none.
    std::string wanted_track = {};
    std::string cname;      // of the first a=ssrc with one
    std::string track_id;   // a=msid's second word
    std::string stream_id;  // a=msid's first word
    // Receiving: nothing where signaling does not say (see source_of()).
    std::optional<TrackSource> source = std::nullopt;
    // Receiving: the payload behind its RTP descriptor is encrypted end to end. Nothing is read
    // from it that a dependency descriptor, a rid or `encodings` tell, and nothing of the node's
    // own is put beside it.
    bool encrypted = false;
};

[[nodiscard]] inline bool has_rtx(const MediaSection& section) {
    return std::ranges::any_of(section.formats, [](const rtp::PayloadFormat& format) {
        return format.rtx_payload_type.has_value();
    });
}

// The client sends here.
[[nodiscard]] inline bool is_receiving(const MediaSection& section) {
    return !section.formats.empty() && (section.direction == Direction::kReceive ||
                                        section.direction == Direction::kSendReceive);
}

// The client is sent media here.
[[nodiscard]] inline bool is_sending(const MediaSection& section) {
    return !section.formats.empty() &&
           (section.direction == Direction::kSend || section.direction == Direction::kSendReceive);
}

using data::DataChannelConfig;
using data::DataDescription;

struct ConnectionDescription {
    transport::IceCredentials remote_ice;
    transport::Fingerprint remote_fingerprint;
    transport::DtlsRole local_role = transport::DtlsRole::kServer;
    std::vector<MediaSection> sections;  // in m-line order, rejected ones included
    std::optional<DataDescription> data = std::nullopt;
};

// What the node announces for a section that it sends on.
struct SenderDescription {
    std::string mid;
    std::uint32_t ssrc = 0;
    std::optional<std::uint32_t> rtx_ssrc;                 // video only
    std::optional<std::uint32_t> fec_ssrc = std::nullopt;  // where MediaSection has flexfec
    std::string cname;
    std::string stream_id;  // a=msid
    std::string track_id;
};

// What the node adds to make an answer.
struct LocalDescription {
    transport::IceCredentials ice;
    transport::Fingerprint fingerprint;
    std::vector<transport::IceCandidate> candidates;
    std::vector<SenderDescription> senders;  // one per section with kSend or kSendReceive
};

}  // namespace isthmus::media::sfu
