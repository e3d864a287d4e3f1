// Between LiveKit's words for the sizes of a video and the media's layers.
#pragma once

#include <string_view>

#include <signaling/livekit/proto/rtc.pb.h>

#include "media/sfu/track_layers.h"
#include "signaling/livekit/published_tracks.h"

namespace isthmus::signaling::livekit {

namespace proto = ::livekit;

// What a client asks for. A size means the smallest layer that is not smaller, so that the picture
// is not blown up; only the rank of a quality counts, because a video of one layer may call it by
// any name.
[[nodiscard]] media::sfu::LayerWish wish_of(const proto::UpdateTrackSettings& settings,
                                            const proto::TrackInfo& track);

// What a publisher is told to send: of the track, and of its backup where that was asked for. Where
// there is one layer it stays on under the lowest name: clients take a layer without a rid for it.
[[nodiscard]] proto::SubscribedQualityUpdate quality_update_of(const PublishedTrack& track);

}  // namespace isthmus::signaling::livekit
