#include "tools/hub/fleet/clusters.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/tenancy/audit.h"
#include "tools/hub/tenancy/organisations.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> kDays = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
// Every night at two, where nobody says otherwise.
constexpr const char* kDefaultDays =
    R"(["monday","tuesday","wednesday","thursday","friday","saturday","sunday"])";

const std::vector<std::string> kColumns = {
    "id",
    "organisation",
    "name",
    "schedule_days",
    "schedule_time",
    "schedule_zone",
    "channel",
    "(select count(*) from nodes n where n.cluster = clusters.id)"};

json::value parse_days(const std::string& text) {
    boost::system::error_code error;
    json::value days = json::parse(text, error);
    return error ? json::value(json::array()) : days;
}

json::value describe(const SqlRow& row) {
    return {{"id", row.text(0)},
            {"orgId", row.text(1)},
            {"name", row.text(2)},
            {"upgradeSchedule",
             {{"scheduleDays", parse_days(row.text(3))},
              {"scheduleTime", row.text(4)},
              {"scheduleTimeZone", row.text(5)}}},
            {"releaseChannel", row.text(6)},
            {"nodes", row.integer(7)}};
}

std::unexpected<Error> absent() {
    return make_error(ErrorCode::kNotFound, "there is no such cluster");
}

bool good_time(const std::string& time) {
    constexpr std::size_t kLength = 5;
    const auto digit = [&](std::size_t at) {
        return std::isdigit(static_cast<unsigned char>(time[at])) != 0;
    };
    return time.size() == kLength && time[2] == ':' && digit(0) && digit(1) && digit(3) &&
           digit(4) && time.substr(0, 2) < "24" && time.substr(3) < "60";
}

bool good_zone(const std::string& zone) {
    constexpr std::size_t kLengthMax = 64;
    return !zone.empty() && zone.size() <= kLengthMax && std::ranges::all_of(zone, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' ||
               c == '-' || c == '+';
    });
}

bool good_days(const json::array& days) {
    return !days.empty() && days.size() <= kDays.size() &&
           std::ranges::all_of(days, [](const json::value& day) {
               const json::string* text = day.if_string();
               return text != nullptr &&
                      std::ranges::find(kDays, std::string_view(*text)) != kDays.end();
           });
}

struct Changes {
    std::string name;
    std::string days;
    std::string time;
    std::string zone;
    std::string channel;
};

std::string read_schedule(const json::value& schedule, Changes& out) {
    if (const json::value* days = channel::find_field(schedule, "scheduleDays")) {
        if (!days->is_array() || !good_days(days->get_array())) {
            return "scheduleDays is a list of days: \"monday\" to \"sunday\"";
        }
        out.days = json::serialize(*days);
    }
    if (const auto time = channel::text_field(schedule, "scheduleTime")) {
        if (!good_time(*time)) {
            return "scheduleTime is \"HH:MM\"";
        }
        out.time = *time;
    }
    if (const auto zone = channel::text_field(schedule, "scheduleTimeZone")) {
        if (!good_zone(*zone)) {
            return "scheduleTimeZone is a name such as \"Europe/Berlin\"";
        }
        out.zone = *zone;
    }
    return {};
}

// What is wrong, else empty.
std::string read_changes(const json::value& changes, Changes& out) {
    if (const auto name = channel::text_field(changes, "name")) {
        out.name = *name;
    }
    if (auto fault = fault_of_name(out.name); !fault.empty()) {
        return fault;
    }
    if (const auto release = channel::text_field(changes, "releaseChannel")) {
        if (*release != "stable" && *release != "beta") {
            return "releaseChannel is \"stable\" or \"beta\"";
        }
        out.channel = *release;
    }
    const json::value* schedule = channel::find_field(changes, "upgradeSchedule");
    return schedule != nullptr ? read_schedule(*schedule, out) : std::string();
}

}  // namespace

Result<json::value> add_cluster(const Context& context, const std::string& name) {
    if (auto fault = fault_of_name(name); !fault.empty()) {
        return make_error(ErrorCode::kInvalidArgument, std::move(fault));
    }
    const std::string& organisation = context.caller->organisation;
    if (auto room = check_quota(context, organisation, "clusters"); !room) {
        return std::unexpected(room.error());
    }
    const std::string id = context.new_id();
    context.sql->run(
        "insert into clusters(id, organisation, name, created_s, schedule_days, schedule_time, "
        "schedule_zone, channel) values(?, ?, ?, ?, ?, '02:00', 'UTC', 'stable')",
        {id, organisation, name, context.now_s(), std::string(kDefaultDays)});
    record(context, {.action = "cluster.add", .object = id, .new_value = {{"name", name}}});
    return show_cluster(context, id);
}

json::value list_clusters(const Context& context) {
    json::array items;
    for (const SqlRow& row :
         context.sql->select(kColumns,
                             "from clusters where organisation = ? order by name",
                             {context.caller->organisation})) {
        items.push_back(describe(row));
    }
    return json::value{{"items", std::move(items)}};
}

Result<json::value> show_cluster(const Context& context, const std::string& id) {
    const auto row = context.sql->find(kColumns,
                                       "from clusters where id = ? and organisation = ?",
                                       {id, context.caller->organisation});
    return row ? Result<json::value>(describe(*row)) : absent();
}

Result<json::value> change_cluster(const Context& context,
                                   const std::string& id,
                                   const json::value& changes) {
    const auto row = context.sql->find(kColumns,
                                       "from clusters where id = ? and organisation = ?",
                                       {id, context.caller->organisation});
    if (!row) {
        return absent();
    }
    Changes wanted{.name = row->text(2),
                   .days = row->text(3),
                   .time = row->text(4),
                   .zone = row->text(5),
                   .channel = row->text(6)};
    if (auto fault = read_changes(changes, wanted); !fault.empty()) {
        return make_error(ErrorCode::kInvalidArgument, std::move(fault));
    }
    context.sql->run(
        "update clusters set name = ?, schedule_days = ?, schedule_time = ?, schedule_zone = ?, "
        "channel = ? where id = ? and organisation = ?",
        {wanted.name,
         wanted.days,
         wanted.time,
         wanted.zone,
         wanted.channel,
         id,
         context.caller->organisation});
    auto after = show_cluster(context, id);
    if (after) {
        record(context,
               {.action = "cluster.change",
                .object = id,
                .old_value = describe(*row),
                .new_value = *after});
    }
    return after;
}

Result<void> remove_cluster(const Context& context, const std::string& id) {
    const auto row = context.sql->find(kColumns,
                                       "from clusters where id = ? and organisation = ?",
                                       {id, context.caller->organisation});
    if (!row) {
        return absent();
    }
    if (row->integer(7) > 0) {
        return make_error(ErrorCode::kConflict,
                          "there are nodes in the cluster; move or remove them first");
    }
    const std::string& organisation = context.caller->organisation;
    context.sql->run("delete from enrollments where cluster = ? and organisation = ?",
                     {id, organisation});
    context.sql->run(
        "delete from configurations where scope = 'cluster' and target = ? and organisation = ?",
        {id, organisation});
    context.sql->run("delete from connector_state where cluster = ? and organisation = ?",
                     {id, organisation});
    context.sql->run("delete from clusters where id = ? and organisation = ?", {id, organisation});
    record(context, {.action = "cluster.remove", .object = id, .old_value = describe(*row)});
    return {};
}

std::optional<std::string> find_cluster(const Context& context, const std::string& id_or_name) {
    const auto row = context.sql->find({"id"},
                                       "from clusters where organisation = ? and (id = ? or "
                                       "name = ?)",
                                       {context.caller->organisation, id_or_name, id_or_name});
    return row ? std::optional(row->text(0)) : std::nullopt;
}

}  // namespace isthmus::hub
