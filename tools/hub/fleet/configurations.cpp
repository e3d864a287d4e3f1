#include "tools/hub/fleet/configurations.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/fleet/counters.h"
#include "tools/hub/fleet/merge_patch.h"
#include "tools/hub/fleet/schemas.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

std::string name_of(ConfigurationScope scope) {
    return scope == ConfigurationScope::kCluster ? "cluster" : "node";
}

json::value value_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value(json::object()) : value;
}

std::optional<SqlRow> newest(const Context& context,
                             ConfigurationScope scope,
                             const std::string& id) {
    return context.sql->find({"version", "body", "author", "created_s"},
                             "from configurations where scope = ? and target = ? "
                             "order by version desc limit 1",
                             {name_of(scope), id});
}

struct NewVersion {
    std::string organisation;
    ConfigurationScope scope = ConfigurationScope::kNode;
    std::string target;
    std::string body;
};

std::int64_t insert(const Context& context, const NewVersion& about) {
    const std::int64_t version = next_number(context, "configuration:" + about.organisation);
    context.sql->run(
        "insert into configurations(organisation, scope, target, version, body, author, "
        "created_s) values(?, ?, ?, ?, ?, ?, ?)",
        {about.organisation,
         name_of(about.scope),
         about.target,
         version,
         about.body,
         context.caller->name,
         context.now_s()});
    context.sql->run(
        "delete from configurations where scope = ? and target = ? and version not in (select "
        "version from configurations where scope = ? and target = ? order by version desc limit ?)",
        {name_of(about.scope),
         about.target,
         name_of(about.scope),
         about.target,
         kConfigurationsKept});
    return version;
}

json::value describe(const SqlRow& row) {
    return {{"version", row.integer(0)},
            {"programs", channel::redact_secrets(value_of(row.text(1)))},
            {"author", row.text(2)},
            {"createdS", row.integer(3)}};
}

std::vector<std::string> nodes_of(const Context& context, const ConfigurationTarget& target) {
    if (target.scope == ConfigurationScope::kNode) {
        return {target.id};
    }
    std::vector<std::string> nodes;
    for (const SqlRow& row : context.sql->select(
             {"id"},
             "from nodes where cluster = ? and organisation = ? and state = 'enrolled'",
             {target.id, context.caller->organisation})) {
        nodes.push_back(row.text(0));
    }
    return nodes;
}

}  // namespace

std::string fault_of_programs(const json::value& programs) {
    const json::object* object = programs.if_object();
    if (object == nullptr) {
        return "programs is an object: the name of each program with its configuration";
    }
    constexpr std::size_t kProgramsMax = 64;
    constexpr std::size_t kNameBytesMax = 64;
    if (object->size() > kProgramsMax) {
        return "there are at most 64 programs";
    }
    for (const auto& [name, configuration] : *object) {
        const bool good =
            !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
                return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
            });
        if (!good) {
            return "a program's name has small letters, digits and '-'";
        }
        if (!configuration.is_object()) {
            return fmt::format("{}: a configuration is an object", std::string(name));
        }
        if (auto fault = fault_of_program_configuration(std::string(name), configuration);
            !fault.empty()) {
            return fmt::format("{}: {}", std::string(name), fault);
        }
    }
    return {};
}

Result<ConfigurationChange> read_configuration_change(const json::value& request) {
    const json::value* const programs = channel::find_field(request, "programs");
    if (programs == nullptr) {
        return make_error(ErrorCode::kInvalidArgument, "the body needs \"programs\"");
    }
    return ConfigurationChange{
        .programs = *programs,
        .expected_version = channel::integer_field(request, "expectedVersion").value_or(-1),
        .now = channel::bool_field(request, "now").value_or(false)};
}

Result<std::int64_t> put_configuration(const Context& context,
                                       const ConfigurationTarget& target,
                                       const ConfigurationChange& change,
                                       std::vector<std::string>& concerned) {
    const json::value& programs = change.programs;
    if (auto fault = fault_of_programs(programs); !fault.empty()) {
        return make_error(ErrorCode::kInvalidArgument, std::move(fault));
    }
    const std::string body = json::serialize(programs);
    if (body.size() > kConfigurationBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "the configuration is longer than 128 KiB");
    }
    const auto old = newest(context, target.scope, target.id);
    if (change.expected_version >= 0 && (old ? old->integer(0) : 0) != change.expected_version) {
        return make_error(ErrorCode::kConflict,
                          fmt::format("it is at version {} by now; look at that one first",
                                      old ? old->integer(0) : 0));
    }
    const std::int64_t version = insert(context,
                                        {.organisation = context.caller->organisation,
                                         .scope = target.scope,
                                         .target = target.id,
                                         .body = body});
    for (const std::string& node : nodes_of(context, target)) {
        const auto queued =
            add_command(context,
                        {.node = node,
                         .method = "configuration.apply",
                         .params = change.now ? json::value{{"now", true}} : json::value(nullptr)});
        if (!queued) {
            return std::unexpected(queued.error());
        }
        concerned.push_back(node);
    }
    record(context,
           {.action = target.scope == ConfigurationScope::kCluster ? "cluster.configure"
                                                                   : "node.configure",
            .object = target.id,
            .old_value = old ? json::value{{"version", old->integer(0)},
                                           {"programs", value_of(old->text(1))}}
                             : json::value(nullptr),
            .new_value = {{"version", version}, {"programs", programs}, {"now", change.now}}});
    return version;
}

Result<json::value> show_configuration(const Context& context,
                                       const ConfigurationTarget& target,
                                       std::int64_t version) {
    const auto row =
        version == 0
            ? newest(context, target.scope, target.id)
            : context.sql->find(
                  {"version", "body", "author", "created_s"},
                  "from configurations where scope = ? and target = ? and version = "
                  "? and organisation = ?",
                  {name_of(target.scope), target.id, version, context.caller->organisation});
    if (!row && version != 0) {
        return make_error(ErrorCode::kNotFound, "there is no such version, or no more");
    }
    return row ? describe(*row) : json::value{{"version", 0}, {"programs", json::object()}};
}

json::value list_configurations(const Context& context, const ConfigurationTarget& target) {
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"version", "author", "created_s"},
             "from configurations where scope = ? and target = ? and organisation = ? "
             "order by version desc",
             {name_of(target.scope), target.id, context.caller->organisation})) {
        items.push_back(
            {{"version", row.integer(0)}, {"author", row.text(1)}, {"createdS", row.integer(2)}});
    }
    return json::value{{"items", std::move(items)}};
}

json::value effective_configuration(const Context& context, const std::string& node) {
    const auto place = context.sql->find({"cluster"}, "from nodes where id = ?", {node});
    const auto cluster =
        place ? newest(context, ConfigurationScope::kCluster, place->text(0)) : std::nullopt;
    const auto own = newest(context, ConfigurationScope::kNode, node);
    json::value programs = cluster ? value_of(cluster->text(1)) : json::value(json::object());
    if (own) {
        merge_patch(programs, value_of(own->text(1)));
    }
    return {{"version", std::max(cluster ? cluster->integer(0) : 0, own ? own->integer(0) : 0)},
            {"programs", std::move(programs)}};
}

Result<void> configure_moved_node(const Context& context, const std::string& node) {
    // A number of its own: the cluster's may be lower than what the node has.
    const auto own = newest(context, ConfigurationScope::kNode, node);
    insert(context,
           {.organisation = context.caller->organisation,
            .scope = ConfigurationScope::kNode,
            .target = node,
            .body = own ? own->text(1) : "{}"});
    const auto queued =
        add_command(context, {.node = node, .method = "configuration.apply", .params = {}});
    return queued ? Result<void>() : std::unexpected(queued.error());
}

}  // namespace isthmus::hub
