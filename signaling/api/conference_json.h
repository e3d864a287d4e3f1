// Conferences as the API writes them: docs/openapi.yaml is the specification.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/sfu/conference_info.h"

namespace isthmus::signaling::api {

// RFC 3339, UTC, with milliseconds.
[[nodiscard]] std::string timestamp(std::int64_t unix_ms);

// {"conferences": [...]}: names and counts.
[[nodiscard]] std::string conferences_json(const std::vector<media::sfu::ConferenceInfo>& all);
// One conference: names and counts.
[[nodiscard]] std::string conference_json(const media::sfu::ConferenceInfo& conference);
// {"participants": [...]}: who is there, with their tracks.
[[nodiscard]] std::string participants_json(const media::sfu::ConferenceInfo& conference);
// Everything, with each stream and each subscription.
[[nodiscard]] std::string stats_json(const media::sfu::ConferenceInfo& conference);

// [...]: who publishes and may be seen, with the kinds of their tracks; for the pages.
[[nodiscard]] std::string publishers_json(const media::sfu::ConferenceInfo& conference);

}  // namespace isthmus::signaling::api
