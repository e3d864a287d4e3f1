// An offer of a client made into what the switchboard is asked for, and into its answer.
//
// A section that the client sends on belongs to the track that add_track announced; the codec that
// it asked for comes first, since that is the one that is sent. Sections that it receives on are
// given to the tracks that it waits for. Pure; see subscriptions.h and published_tracks.h for what
// is remembered between offers.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <signaling/livekit/proto/rtc.pb.h>

#include "media/sfu/connection_description.h"
#include "signaling/livekit/published_tracks.h"
#include "signaling/livekit/subscriptions.h"
#include "signaling/sdp/negotiate.h"
#include "signaling/sdp/session_description.h"

namespace isthmus::signaling::livekit {

struct OfferPlan {
    std::uint32_t id = 0;  // of the client's message
    sdp::SessionDescription offer;
    sdp::NegotiatedSession negotiated;
    std::vector<std::string> fresh_mids;  // that carry a track since this offer
};

// `may_publish` off: sections that the client sends on are answered inactive.
[[nodiscard]] std::expected<OfferPlan, std::string> plan_offer(
    const proto::SessionDescription& offer,
    PublishedTracks& published,
    Subscriptions& subscriptions,
    bool may_publish);

// With the ids of all tracks that are sent.
[[nodiscard]] proto::SessionDescription make_answer(const OfferPlan& plan,
                                                    media::sfu::LocalDescription local,
                                                    Subscriptions& subscriptions,
                                                    std::uint64_t session_id,
                                                    std::uint64_t session_version);

}  // namespace isthmus::signaling::livekit
