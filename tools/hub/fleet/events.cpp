#include "tools/hub/fleet/events.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/shares.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kKindBytesMax = 128;
constexpr std::size_t kEpochBytesMax = 64;

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
    for (const NodeEvent& event : push.entries) {
        context.sql->run(
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

void forget_events(const Context& context) {
    constexpr std::int64_t kDayMs = 86'400'000;
    context.sql->run("delete from events where received_ms < ?",
                     {context.now_ms - kEventsKeptDays * kDayMs});
}

}  // namespace isthmus::hub
