#include "tools/hub/tenancy/audit.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/exchange_key.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

std::string text_of(const json::value& value) {
    return value.is_null() ? std::string() : json::serialize(channel::redact_secrets(value));
}

json::value value_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value(nullptr) : value;
}

}  // namespace

void record_as(const Context& context,
               const std::string& organisation,
               const std::string& actor,
               const AuditEntry& entry) {
    context.sql->run(
        "insert into audit(organisation, time_ms, actor, remote, action, object, old, new) "
        "values(?, ?, ?, ?, ?, ?, ?, ?)",
        {organisation,
         context.now_ms,
         actor,
         context.caller != nullptr ? context.caller->remote : std::string(),
         std::string(entry.action),
         entry.object,
         text_of(entry.old_value),
         text_of(entry.new_value)});
}

void record(const Context& context, const AuditEntry& entry) {
    record_as(context, context.caller->organisation, context.caller->name, entry);
}

json::value list_audit(const Context& context, std::int64_t before, std::int64_t limit) {
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"number", "time_ms", "actor", "remote", "action", "object", "old", "new"},
             "from audit where organisation = ? and (number < ? or 0 = ?) "
             "order by number desc limit ?",
             {context.caller->organisation, before, before, limit})) {
        items.push_back({{"number", row.integer(0)},
                         {"timeMs", row.integer(1)},
                         {"actor", row.text(2)},
                         {"remote", row.text(3)},
                         {"action", row.text(4)},
                         {"object", row.text(5)},
                         {"old", value_of(row.text(6))},
                         {"new", value_of(row.text(7))}});
    }
    return json::value{{"items", std::move(items)}};
}

}  // namespace isthmus::hub
