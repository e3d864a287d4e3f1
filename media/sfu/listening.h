// Which audio tracks a listener with few sections hears.
//
// A listener with k audio sections hears the k loudest that others publish: a section whose track
// is none of them is bound to one that is missing. The section's numbering and time go on, so that
// the listener's player sees one stream with a pause in it. Who has a section for everybody is
// never re-bound.
#pragma once

#include <memory>
#include <span>

#include "base/time.h"

namespace isthmus::media::sfu {

class Participant;
class PublishedTrack;
class Subscription;

// `loudest` in order of precedence.
void listen_to(Instant now,
               const Participant& listener,
               std::span<const std::unique_ptr<Subscription>> sections,
               std::span<PublishedTrack* const> loudest);

}  // namespace isthmus::media::sfu
