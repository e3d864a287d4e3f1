#include "tools/agent/usage_meter.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_set>
#include <utility>

#include <boost/json/array.hpp>

#include "control-agent/channel/json_fields.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::int64_t kRecordMs = 15L * 60 * 1000;
// Where the last look was longer ago nobody knows what was in between.
constexpr std::int64_t kGapMs = 120'000;

}  // namespace

void UsageMeter::count(Usage& usage, std::int64_t now_ms, std::int64_t participants) {
    const std::int64_t passed = now_ms - usage.seen_ms;
    if (passed > 0 && passed <= kGapMs) {
        usage.participant_ms += static_cast<double>(usage.participants + participants) / 2 *
                                static_cast<double>(passed);
    }
    usage.seen_ms = now_ms;
    usage.participants = participants;
    usage.participants_most = std::max(usage.participants_most, participants);
}

json::object UsageMeter::record(const std::string& id, const Usage& usage, bool ended) {
    constexpr double kMsPerSecond = 1000;
    return {{"conference", usage.conference},
            {"conference_id", id},
            {"from_ms", usage.from_ms},
            {"to_ms", usage.seen_ms},
            {"participants_most", usage.participants_most},
            {"participant_seconds", std::llround(usage.participant_ms / kMsPerSecond)},
            {"ended", ended}};
}

std::vector<json::object> UsageMeter::look(std::int64_t now_ms, const json::value& answer) {
    std::vector<json::object> records;
    const json::value* list = channel::find_field(answer, "conferences");
    if (list == nullptr || !list->is_array()) {
        return records;
    }
    std::unordered_set<std::string> seen;
    for (const json::value& one : list->get_array()) {
        const auto id = channel::text_field(one, "id");
        const auto name = channel::text_field(one, "name");
        const auto participants = channel::integer_field(one, "participants");
        if (!id || !name || !participants || *participants < 0 || !seen.insert(*id).second) {
            continue;
        }
        Usage& usage =
            open_.try_emplace(*id, Usage{.conference = *name, .from_ms = now_ms, .seen_ms = now_ms})
                .first->second;
        count(usage, now_ms, *participants);
        if (now_ms - usage.from_ms >= kRecordMs) {
            records.push_back(record(*id, usage, false));
            usage = {.conference = std::move(usage.conference),
                     .from_ms = now_ms,
                     .seen_ms = now_ms,
                     .participants = *participants,
                     .participants_most = *participants};
        }
    }
    for (auto it = open_.begin(); it != open_.end();) {
        if (seen.contains(it->first)) {
            ++it;
            continue;
        }
        Usage& usage = it->second;
        if (now_ms - usage.seen_ms <= kGapMs) {
            count(usage, now_ms, 0);
        }
        // Nobody ever was in one that has only been made.
        if (usage.participants_most > 0) {
            records.push_back(record(it->first, usage, true));
        }
        it = open_.erase(it);
    }
    return records;
}

}  // namespace isthmus::agent
