#include "tools/hub/fleet/services.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/fleet/configurations.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kPackageBytesMax = 253;

bool good_name(const std::string& name) {
    return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

json::value value_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value(nullptr) : value;
}

}  // namespace

json::value list_services(const Context& context, const std::string& node) {
    json::array items;
    const auto records = node_records(
        context, "where n.id = ? and n.organisation = ?", {node, context.caller->organisation});
    for (const SqlRow& row :
         context.sql->select({"name", "package", "configuration", "state", "author", "created_s"},
                             "from services where node = ? and organisation = ? order by name",
                             {node, context.caller->organisation})) {
        const json::value* const reported =
            records.empty() ? nullptr : reported_service(records.front(), row.text(0));
        items.push_back({{"name", row.text(0)},
                         {"reported", reported != nullptr ? *reported : json::value(nullptr)},
                         {"package", row.text(1)},
                         {"configuration", channel::redact_secrets(value_of(row.text(2)))},
                         {"state", row.text(3)},
                         {"author", row.text(4)},
                         {"createdS", row.integer(5)}});
    }
    return json::value{{"items", std::move(items)}};
}

Result<json::value> activate_service(const Context& context,
                                     const std::string& node,
                                     const std::string& name,
                                     const json::value& request) {
    const std::string package = channel::text_field(request, "package").value_or(name);
    // The others are what configurations call the node's own programs.
    if (!good_name(name) || name == "media" || name == "node" || name == "agent") {
        return make_error(ErrorCode::kInvalidArgument,
                          "a service's name has small letters, digits and '-', and is not media, "
                          "node or agent");
    }
    if (fault_of_name(package) != "" || package.size() > kPackageBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "package is the name of a package");
    }
    const json::value* given = channel::find_field(request, "configuration");
    const json::value configuration = given != nullptr ? *given : json::value(json::object());
    const std::string body = json::serialize(configuration);
    if (!configuration.is_object() || body.size() > kConfigurationBytesMax) {
        return make_error(ErrorCode::kInvalidArgument,
                          "configuration is an object of at most 128 KiB");
    }
    context.sql->run(
        "insert into services(organisation, node, name, package, configuration, state, author, "
        "created_s) values(?, ?, ?, ?, ?, 'active', ?, ?) on conflict(node, name) do update set "
        "package = excluded.package, configuration = excluded.configuration, state = 'active'",
        {context.caller->organisation,
         node,
         name,
         package,
         body,
         context.caller->name,
         context.now_s()});
    const auto command = add_command(
        context,
        {.node = node,
         .method = "service.activate",
         .params = {{"name", name}, {"package", package}, {"configuration", configuration}}});
    if (!command) {
        return std::unexpected(command.error());
    }
    record(context,
           {.action = "service.activate",
            .object = node,
            .new_value = {{"name", name}, {"package", package}, {"configuration", configuration}}});
    return json::value{{"command", *command}};
}

Result<json::value> deactivate_service(const Context& context,
                                       const std::string& node,
                                       const std::string& name) {
    if (context.sql->run("update services set state = 'inactive' where node = ? and name = ? and "
                         "organisation = ? and state <> 'inactive'",
                         {node, name, context.caller->organisation}) == 0) {
        return make_error(ErrorCode::kNotFound, "the node hosts no such service");
    }
    const auto command = add_command(
        context, {.node = node, .method = "service.deactivate", .params = {{"name", name}}});
    if (!command) {
        return std::unexpected(command.error());
    }
    record(context,
           {.action = "service.deactivate", .object = node, .old_value = {{"name", name}}});
    return json::value{{"command", *command}};
}

void note_activation(const Context& context,
                     const std::string& node,
                     const std::string& name,
                     bool hosted) {
    context.sql->run("update services set state = ? where node = ? and name = ? and state = ?",
                     {std::string(hosted ? "active" : "failed"),
                      node,
                      name,
                      std::string(hosted ? "failed" : "active")});
}

void forget_service(const Context& context, const std::string& node, const std::string& name) {
    context.sql->run("delete from services where node = ? and name = ? and state = 'inactive'",
                     {node, name});
}

}  // namespace isthmus::hub
