// What the node offers where it and not the client makes the offers: the sections that a client
// would ask for, so that one negotiation serves both ways.
#pragma once

#include <string>

#include "media/rtp/payload_format.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::livekit {

// The section of the data channels; the first in every offer.
[[nodiscard]] sdp::MediaDescription make_data_template();
// A section to receive on, with all that the node forwards.
[[nodiscard]] sdp::MediaDescription make_media_template(std::string mid,
                                                        media::rtp::MediaKind kind);

}  // namespace isthmus::signaling::livekit
