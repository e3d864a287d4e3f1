// What a worker tells of itself: its conferences as they are, and its counters.
//
// Reads only. What a participant or a conference counted is added to the worker's own counters when
// it goes (add_counters()), so that no figure ever falls.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/sfu/conference.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/participant.h"
#include "media/worker/worker_state.h"

namespace isthmus::media {

[[nodiscard]] std::vector<sfu::ConferenceInfo> describe_conferences(Instant now,
                                                                    const WorkerState& state,
                                                                    bool details);
// Nothing where the conference is not here.
[[nodiscard]] std::optional<sfu::ConferenceInfo> describe_conference(Instant now,
                                                                     const WorkerState& state,
                                                                     const std::string& name);

[[nodiscard]] sfu::WorkerStats collect_stats(const WorkerState& state);

// Where it goes: what it counted stays.
void add_counters(const sfu::Participant& participant, sfu::WorkerStats& stats);
void add_counters(const sfu::PublishedTrack& track, sfu::WorkerStats& stats);
void add_counters(const sfu::Subscription& subscription, sfu::WorkerStats& stats);
void add_counters(const sfu::Conference& conference, sfu::WorkerStats& stats);

}  // namespace isthmus::media
