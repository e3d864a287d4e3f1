// Names a participant on its worker.
#pragma once

#include <vector>

#include "base/slot_map.h"

namespace isthmus::media::sfu {

struct ParticipantTag;
using ParticipantId = SlotId<ParticipantTag>;

// Participants that have something to say, for the worker to settle at the end of the call at hand.
using TouchList = std::vector<ParticipantId>;

}  // namespace isthmus::media::sfu
