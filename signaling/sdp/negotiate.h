// Decides what of an offer the node takes: sections, codecs, header extensions, transport.
//
// Driven by whoever holds an offer; pure. Writing the answer is answer.h's. Left out: several
// transports (all media must be in one BUNDLE with rtcp-mux), FEC from publishers, simulcast
// alternatives. RFC 3264, RFC 8829 section 5.3, RFC 9143, RFC 8841, RFC 8842, RFC 8853.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "media/rtp/header_extension_kind.h"
#include "media/rtp/payload_format.h"
#include "media/sfu/connection_description.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {

enum class Role : std::uint8_t {
    kPublisher,  // the client sends, the node receives
    kViewer,     // the node sends, the client receives
    kBoth,       // each section as the client offers it; one that does nothing is fine
};

struct NegotiationPolicy {
    Role role = Role::kPublisher;
    // Codecs that are allowed.
    std::vector<media::rtp::Codec> codecs = {media::rtp::Codec::kOpus,
                                             media::rtp::Codec::kPcmu,
                                             media::rtp::Codec::kPcma,
                                             media::rtp::Codec::kVp8,
                                             media::rtp::Codec::kVp9,
                                             media::rtp::Codec::kAv1,
                                             media::rtp::Codec::kH264};
    // The answer lists formats in the order of `codecs`; otherwise in the client's order, whose
    // first one a browser sends.
    bool prefer_own_order = false;
    std::vector<media::rtp::ExtensionKind> extensions = {
        media::rtp::ExtensionKind::kMid,
        media::rtp::ExtensionKind::kRid,
        media::rtp::ExtensionKind::kRepairedRid,
        media::rtp::ExtensionKind::kAbsSendTime,
        media::rtp::ExtensionKind::kTransportSequence,
        media::rtp::ExtensionKind::kAudioLevel,
        media::rtp::ExtensionKind::kVideoOrientation,
        media::rtp::ExtensionKind::kPlayoutDelay,
        media::rtp::ExtensionKind::kDependencyDescriptor};
    // Off: the answer does not mention it, and the client sends one plain encoding.
    bool accept_simulcast = true;
    std::size_t encodings_max = 4;  // of one section; further ones are not accepted
    std::size_t sections_max = 16;  // accepted ones; further ones are rejected
    bool accept_data = false;       // data channels: one m=application section
};

struct NegotiatedSession {
    media::sfu::ConnectionDescription connection;
    // The mids of the answer's BUNDLE group, in the offer's order; empty where the offer has no
    // BUNDLE, which only a single section may do.
    std::vector<std::string> bundle;
    // The section of the data channels, where `connection.data` is there.
    std::size_t data_section = 0;
};

enum class NegotiationFailure : std::uint8_t {
    kMalformed,  // the offer lacks what every offer must have
    kNotUsable,  // a good offer, with nothing in it that this node can do
};

struct NegotiationError {
    NegotiationFailure failure = NegotiationFailure::kMalformed;
    std::string message;  // one sentence for the client's developer
};

// Sections that are not accepted are in the result without formats, as is that of data channels.
[[nodiscard]] std::expected<NegotiatedSession, NegotiationError> negotiate(
    const SessionDescription& offer, const NegotiationPolicy& policy);

}  // namespace isthmus::signaling::sdp
