// Whether a receiver may begin with a packet.
#pragma once

#include <cstddef>
#include <span>

#include "media/rtp/payload_format.h"

namespace isthmus::media::rtp {

// True for the first packet of a key frame, and for every audio packet. `dependency_descriptor` is
// the header extension's value, or empty; it speaks for AV1, also where the payload is encrypted
// end to end. False for what cannot be parsed.
[[nodiscard]] bool is_key_frame_start(Codec codec,
                                      std::span<const std::byte> payload,
                                      std::span<const std::byte> dependency_descriptor = {});

}  // namespace isthmus::media::rtp
