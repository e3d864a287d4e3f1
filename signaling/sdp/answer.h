// The answer to an offer, from what was negotiated and what the node added.
//
// Each accepted section repeats the transport attributes; the first one of the BUNDLE carries the
// candidates. RFC 8829 section 5.3.1, RFC 9143 section 7.3, RFC 8839, RFC 9725 section 4.2.
#pragma once

#include <cstdint>
#include <string>

#include "media/sfu/connection_description.h"
#include "media/transport/ice.h"
#include "signaling/sdp/negotiate.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::sdp {

// `session_id`: for o=; below 2^63 (RFC 8829 section 5.2.1).
[[nodiscard]] SessionDescription make_answer(const SessionDescription& offer,
                                             const NegotiatedSession& negotiated,
                                             const media::sfu::LocalDescription& local,
                                             std::uint64_t session_id);

// The value of a=candidate (RFC 8839 section 5.1, RFC 6544 section 4.5).
[[nodiscard]] std::string write_candidate(const media::transport::IceCandidate& candidate);

}  // namespace isthmus::signaling::sdp
