// The video that a run's publishers send: encoded when the program starts, or filler.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "media/client/recording.h"
#include "tools/load/load_options.h"
#include "tools/load/participant.h"
#include "tools/load/video_encoder.h"

namespace isthmus::load {

// What the options ask for, lowest layer first; empty without video.
[[nodiscard]] Result<LayerRecordings> make_recordings(const LoadOptions& options);

// `frames` of a moving picture. Its first frame is a key frame, and the only one.
[[nodiscard]] Result<media::client::Recording> record(media::rtp::Codec codec,
                                                      const VideoEncoderConfig& config,
                                                      std::size_t frames);

}  // namespace isthmus::load
