// What signaling is told of a participant or a conference that nobody asked for: appended to the
// worker's events by whoever settles a participant, and once per interval for speakers.
#pragma once

#include <vector>

#include "base/time.h"
#include "media/sfu/conference.h"
#include "media/sfu/participant.h"
#include "media/sfu/published_track.h"
#include "media/worker/conference_event.h"

namespace isthmus::media {

using ConferenceEvents = std::vector<ConferenceEvent>;

void tell_published(const sfu::Participant& participant,
                    const sfu::PublishedTrack& track,
                    ConferenceEvents& events);
void tell_ended(const sfu::Participant& participant,
                const sfu::PublishedTrack& track,
                ConferenceEvents& events);
// Layers wanted, streams held back, how the connection fares: what has changed or is due.
void tell_news(Instant now, sfu::Participant& participant, ConferenceEvents& events);
// Once per SpeakerLevels::kInterval.
void tell_speakers(Instant now, sfu::Conference& conference, ConferenceEvents& events);

}  // namespace isthmus::media
