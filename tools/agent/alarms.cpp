#include "tools/agent/alarms.h"

#include <utility>

namespace isthmus::agent {
namespace {

namespace json = boost::json;

json::object describe(std::string_view id, const Alarm& alarm, std::int64_t since_ms) {
    return {{"id", id},
            {"severity", to_string(alarm.severity)},
            {"title", alarm.title},
            {"description", alarm.description},
            {"solution", alarm.solution},
            {"since_ms", since_ms}};
}

}  // namespace

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::kCritical:
            return "critical";
        case Severity::kError:
            return "error";
        case Severity::kWarning:
            return "warning";
        case Severity::kAlert:
            return "alert";
    }
    return "alert";
}

void Alarms::raise(std::int64_t now_unix_ms, std::string_view id, Alarm alarm) {
    const auto [entry, fresh] =
        alarms_.try_emplace(std::string(id), Raised{.alarm = alarm, .since_ms = now_unix_ms});
    entry->second.alarm = std::move(alarm);
    if (fresh) {
        events_("alarm.raised", describe(id, entry->second.alarm, now_unix_ms));
    }
}

void Alarms::clear(std::int64_t now_unix_ms, std::string_view id) {
    const auto entry = alarms_.find(id);
    if (entry == alarms_.end()) {
        return;
    }
    json::object body = describe(id, entry->second.alarm, entry->second.since_ms);
    body["until_ms"] = now_unix_ms;
    alarms_.erase(entry);
    events_("alarm.cleared", std::move(body));
}

void Alarms::set(std::int64_t now_unix_ms, std::string_view id, bool wrong, Alarm alarm) {
    if (wrong) {
        raise(now_unix_ms, id, std::move(alarm));
    } else {
        clear(now_unix_ms, id);
    }
}

json::array Alarms::list() const {
    json::array items;
    for (const auto& [id, raised] : alarms_) {
        items.push_back(describe(id, raised.alarm, raised.since_ms));
    }
    return items;
}

}  // namespace isthmus::agent
