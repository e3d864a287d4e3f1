// What an SDP offer or answer says, as typed values: RFC 8866 with what JSEP (RFC 8829) uses.
//
// Knows nothing of what the node supports (negotiate.h) and nothing of GstSDP (raw_session.h).
// Attributes that the node has no use for are left out. Session-level attributes that hold for each
// section (ICE credentials, fingerprint, setup, direction, header extensions) are copied into the
// sections that have none of their own; writing gives them back there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isthmus::signaling::sdp {

// As its writer sees it (RFC 8866 section 6.7).
enum class StreamDirection : std::uint8_t { kSendReceive, kSendOnly, kReceiveOnly, kInactive };

// a=setup (RFC 8842).
enum class Setup : std::uint8_t { kActive, kPassive, kActivePassive, kHoldConnection };

// a=rtpmap.
struct RtpMap {
    std::string encoding;
    std::uint32_t clock_hz = 0;
    std::uint8_t channels = 1;

    friend bool operator==(const RtpMap&, const RtpMap&) = default;
};

// One number of the m= line with all that other lines say of it.
struct PayloadType {
    std::uint8_t number = 0;
    std::optional<RtpMap> map;  // for PCMU and PCMA also where the line is left out
    std::string fmtp;
    std::vector<std::string> feedback;  // "nack pli"; those for all types (*) included

    friend bool operator==(const PayloadType&, const PayloadType&) = default;
};

// a=extmap (RFC 8285).
struct ExtensionMap {
    std::uint16_t id = 0;
    std::optional<StreamDirection> direction;
    std::string uri;

    friend bool operator==(const ExtensionMap&, const ExtensionMap&) = default;
};

// One SSRC with what its a=ssrc lines say (RFC 5576).
struct SsrcAttributes {
    std::uint32_t ssrc = 0;
    std::string cname;
    std::string msid;

    friend bool operator==(const SsrcAttributes&, const SsrcAttributes&) = default;
};

struct SsrcGroup {
    std::string semantics;  // "FID", "SIM", ...
    std::vector<std::uint32_t> ssrcs;

    friend bool operator==(const SsrcGroup&, const SsrcGroup&) = default;
};

// a=rid (RFC 8851). The restrictions are kept as they are.
struct Rid {
    std::string id;
    bool send = true;
    std::string restrictions;

    friend bool operator==(const Rid&, const Rid&) = default;
};

// Of each stream of a=simulcast the first alternative.
struct SimulcastStream {
    std::string rid;
    bool paused = false;  // "~": begins paused

    friend bool operator==(const SimulcastStream&, const SimulcastStream&) = default;
};

// a=simulcast (RFC 8853).
struct Simulcast {
    std::vector<SimulcastStream> send;
    std::vector<SimulcastStream> receive;

    friend bool operator==(const Simulcast&, const Simulcast&) = default;
};

struct MediaDescription {
    std::string media;  // "audio", "video", "application", ...
    std::uint16_t port = 0;
    std::string protocol;                    // "UDP/TLS/RTP/SAVPF"
    std::vector<std::string> formats;        // of the m= line, as written
    std::vector<PayloadType> payload_types;  // RTP only, in the order of the m= line

    std::string mid;
    StreamDirection direction = StreamDirection::kSendReceive;
    bool bundle_only = false;
    bool rtcp_mux = false;
    bool rtcp_reduced_size = false;
    bool congestion_feedback = false;  // a=rtcp-fb:* ack ccfb (RFC 8888 section 6)

    std::string ice_ufrag;
    std::string ice_pwd;
    std::vector<std::string> ice_options;
    std::vector<std::string>
        fingerprints;  // "sha-256 AB:CD:...": lower-case name, upper-case digest
    std::optional<Setup> setup;
    std::vector<std::string> candidates;  // values of a=candidate, not looked into
    bool end_of_candidates = false;

    std::vector<ExtensionMap> extensions;
    std::vector<SsrcAttributes> ssrcs;
    std::vector<SsrcGroup> ssrc_groups;
    std::vector<Rid> rids;
    std::optional<Simulcast> simulcast;
    std::string msid;     // value of the first a=msid
    std::string content;  // value of the first a=content: "slides", "main,sl" (RFC 4796)

    // Data channels (RFC 8841).
    std::optional<std::uint16_t> sctp_port;
    std::optional<std::uint64_t> message_bytes_max;  // a=max-message-size; 0: any

    [[nodiscard]] const PayloadType* find_payload_type(std::uint8_t number) const;

    friend bool operator==(const MediaDescription&, const MediaDescription&) = default;
};

struct SessionDescription {
    std::uint64_t session_id = 0;  // of o=
    std::uint64_t session_version = 0;
    bool ice_lite = false;
    bool extmap_allow_mixed = false;
    std::vector<std::vector<std::string>> bundle_groups;  // mids of each a=group:BUNDLE
    std::vector<MediaDescription> media;

    friend bool operator==(const SessionDescription&, const SessionDescription&) = default;
};

struct SdpLimits {
    // A Chromium offer with nine sections has 24 KB.
    std::size_t bytes_max = 64UL * 1024;
    std::size_t sections_max = 64;
};

// kInvalidArgument with a sentence that names the line or the section.
[[nodiscard]] Result<SessionDescription> parse_session_description(std::string_view text,
                                                                   const SdpLimits& limits = {});

// With CRLF. What was written parses to the same description.
[[nodiscard]] std::string write_session_description(const SessionDescription& description);

}  // namespace isthmus::signaling::sdp
