#include "tools/hub/fleet/events.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/counters.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/fleet/shares.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kKindBytesMax = 128;
constexpr std::size_t kEpochBytesMax = 64;
constexpr const char* kDaysSetting = "events:days";
constexpr const char* kEntriesSetting = "events:max";
// There is an alarm before anything goes.
constexpr std::int64_t kNearFullPercent = 80;
// One look takes away at most so many: others wait for the database meanwhile.
constexpr std::int64_t kDropsMax = 100'000;

std::string kept_counter(const std::string& organisation) {
    return "events:kept:" + organisation;
}

std::string dropped_counter(const std::string& organisation) {
    return "events:dropped:" + organisation;
}

EventLimits event_limits(const Context& context) {
    const EventLimits usual;
    return {.days = number_of(context, kDaysSetting).value_or(usual.days),
            .entries = number_of(context, kEntriesSetting).value_or(usual.entries)};
}

// Counted once, in a database of a hub that did not count.
std::int64_t events_kept(const Context& context, const std::string& organisation) {
    if (const auto known = number_of(context, kept_counter(organisation))) {
        return *known;
    }
    const auto row =
        context.sql->find({"count(*)"}, "from events where organisation = ?", {organisation});
    const std::int64_t kept = row ? row->integer(0) : 0;
    set_number(context, kept_counter(organisation), kept);
    return kept;
}

std::int64_t forget_before(const Context& context,
                           const std::string& organisation,
                           std::int64_t received_ms) {
    const std::int64_t gone =
        context.sql->run("delete from events where organisation = ? and received_ms < ?",
                         {organisation, received_ms});
    if (gone != 0) {
        add_to_number(context, kept_counter(organisation), -gone);
    }
    return gone;
}

// Those that are over the limit, the oldest, and what came in the same millisecond.
std::int64_t forget_surplus(const Context& context,
                            const std::string& organisation,
                            std::int64_t entries_max) {
    const std::int64_t surplus = events_kept(context, organisation) - entries_max;
    if (surplus <= 0) {
        return 0;
    }
    const auto last = context.sql->find(
        {"received_ms"},
        "from events where organisation = ? order by received_ms limit 1 offset ?",
        {organisation, std::min(surplus, kDropsMax) - 1});
    if (!last) {
        return 0;
    }
    const std::int64_t gone = forget_before(context, organisation, last->integer(0) + 1);
    add_to_number(context, dropped_counter(organisation), gone);
    return gone;
}

std::unexpected<Error> malformed(const char* what) {
    return make_error(ErrorCode::kInvalidArgument, what);
}

std::optional<std::string> read_epoch(const json::value& params) {
    if (const auto number = channel::integer_field(params, "epoch")) {
        return std::to_string(*number);
    }
    return channel::text_field(params, "epoch");
}

Result<NodeEvent> read_event(const json::value& entry) {
    const auto sequence = channel::integer_field(entry, "sequence");
    const auto time_ms = channel::integer_field(entry, "time_ms");
    auto kind = channel::text_field(entry, "kind");
    const json::value* body = channel::find_field(entry, "body");
    if (!sequence || *sequence < 0 || !time_ms || !kind || kind->empty() ||
        kind->size() > kKindBytesMax || body == nullptr) {
        return malformed("an event has sequence, time_ms, kind and body");
    }
    NodeEvent event{.sequence = *sequence,
                    .time_ms = *time_ms,
                    .kind = std::move(*kind),
                    .body = json::serialize(*body),
                    .guest = {}};
    event.guest = guest_of_event(event.kind, *body);
    if (event.body.size() > kEventBodyBytesMax) {
        return malformed("an event's body is longer than 64 KiB");
    }
    return event;
}

json::value value_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value(nullptr) : value;
}

}  // namespace

Result<EventPush> read_events(const json::value& params) {
    auto epoch = read_epoch(params);
    const json::value* entries = channel::find_field(params, "entries");
    if (!epoch || epoch->empty() || epoch->size() > kEpochBytesMax || entries == nullptr ||
        !entries->is_array() || entries->get_array().empty()) {
        return malformed("events.push needs epoch and entries");
    }
    if (entries->get_array().size() > kEventsOfOnePush) {
        return malformed("there are more than 1000 entries in one push");
    }
    EventPush push{.epoch = std::move(*epoch), .entries = {}};
    for (const json::value& entry : entries->get_array()) {
        auto event = read_event(entry);
        if (!event) {
            return std::unexpected(event.error());
        }
        if (!push.entries.empty() && event->sequence <= push.entries.back().sequence) {
            return malformed("the entries are not in order");
        }
        push.entries.push_back(std::move(*event));
    }
    return push;
}

Result<std::int64_t> keep_events(const Context& context,
                                 const Fence& fence,
                                 const std::string& organisation,
                                 const EventPush& push) {
    if (!holds_fence(context, fence)) {
        return make_error(ErrorCode::kPermissionDenied, "another channel of this node took over");
    }
    std::ignore = events_kept(context, organisation);  // before these count
    std::int64_t fresh = 0;
    for (const NodeEvent& event : push.entries) {
        fresh += context.sql->run(
            "insert into events(organisation, node, epoch, sequence, time_ms, kind, body, "
            "received_ms, guest) values(?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "on conflict(node, epoch, sequence) do nothing",
            {organisation,
             fence.node,
             push.epoch,
             event.sequence,
             event.time_ms,
             event.kind,
             event.body,
             context.now_ms,
             event.guest});
    }
    add_to_number(context, kept_counter(organisation), fresh);
    return push.entries.back().sequence;
}

json::value list_events(const Context& context, const std::string& node, std::int64_t limit) {
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"node", "epoch", "sequence", "time_ms", "kind", "body", "received_ms"},
             "from events where organisation = ? and (node = ? or '' = ?) "
             "order by received_ms desc, node, epoch desc, sequence desc limit ?",
             {context.caller->organisation, node, node, limit})) {
        items.push_back({{"node", row.text(0)},
                         {"epoch", row.text(1)},
                         {"sequence", row.integer(2)},
                         {"timeMs", row.integer(3)},
                         {"kind", row.text(4)},
                         {"body", value_of(row.text(5))},
                         {"receivedMs", row.integer(6)}});
    }
    return json::value{{"items", std::move(items)}};
}

void set_event_limits(const Context& context, const EventLimits& limits) {
    set_number(context, kDaysSetting, limits.days);
    set_number(context, kEntriesSetting, limits.entries);
}

std::int64_t forget_events(const Context& context) {
    constexpr std::int64_t kDayMs = 86'400'000;
    const EventLimits limits = event_limits(context);
    std::int64_t dropped = 0;
    for (const SqlRow& row : context.sql->select({"id"}, "from organisations")) {
        forget_before(context, row.text(0), context.now_ms - limits.days * kDayMs);
        dropped += forget_surplus(context, row.text(0), limits.entries);
    }
    return dropped;
}

void forget_events_of(const Context& context,
                      const std::string& organisation,
                      const std::string& node) {
    const std::int64_t kept = events_kept(context, organisation);
    const std::int64_t gone = context.sql->run(
        "delete from events where organisation = ? and node = ?", {organisation, node});
    set_number(context, kept_counter(organisation), kept - gone);
}

std::optional<json::value> event_alarm(const Context& context) {
    const std::string& organisation = context.caller->organisation;
    const std::int64_t max = event_limits(context).entries;
    const std::int64_t kept = events_kept(context, organisation);
    const std::int64_t dropped = number_of(context, dropped_counter(organisation)).value_or(0);
    if (kept < max / 100 * kNearFullPercent) {
        return std::nullopt;
    }
    return json::value{
        {"id", "events.near_full"},
        {"severity", dropped != 0 ? "error" : "warning"},
        {"title", dropped != 0 ? "The oldest events are dropped" : "Room for events runs out"},
        {"description",
         fmt::format(
             "{} of at most {} are kept, {} were dropped before their time", kept, max, dropped)},
        {"solution",
         "Fetch those that are needed; have the hub keep more (--events-max) or for "
         "fewer days (--events-days)"},
        {"created", timestamp(context.now_s())},
        {"hybridConnectorId", ""},
        {"node", ""},
        {"hostname", ""}};
}

}  // namespace isthmus::hub
