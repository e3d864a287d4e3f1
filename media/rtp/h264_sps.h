// The picture size in an H.264 sequence parameter set.
//
// Specification: ITU-T H.264 sections 7.3.2.1.1 and 7.4.2.1.1.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "media/rtp/frame_size.h"

namespace isthmus::media::rtp {

// `body` is what follows the NAL unit header. Nothing where it is malformed, or larger than a
// FrameSize can say.
[[nodiscard]] std::optional<FrameSize> h264_frame_size(std::span<const std::byte> body);

}  // namespace isthmus::media::rtp
