// Between LiveKit's words for the sizes of a video and the media's layers.
#pragma once

#include <string_view>

#include <signaling/livekit/proto/rtc.pb.h>

#include "media/sfu/track_layers.h"
#include "media/worker/conference_event.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

// What a client asks for. A size means the smallest layer that is not smaller, so that the picture
// is not blown up; only the rank of a quality counts, because a video of one layer may call it by
// any name.
[[nodiscard]] media::sfu::LayerWish wish_of(const proto::UpdateTrackSettings& settings,
                                            const proto::TrackInfo& track);

// What a publisher is told to send. The lowest stays on: clients take a layer without a rid for it.
[[nodiscard]] proto::SubscribedQualityUpdate quality_update_of(const media::LayersWanted& event,
                                                               const proto::TrackInfo& track);

}  // namespace isthmus::signaling::livekit
