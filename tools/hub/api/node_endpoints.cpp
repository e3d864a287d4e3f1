// One node: what it is, what it is told.
#include <boost/json/object.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/api/endpoint.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/fleet/configurations.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/fleet/nodes.h"
#include "tools/hub/fleet/services.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::int64_t kDrainSeconds = 7200;  // what people know from such systems: two hours
constexpr std::int64_t kDrainSecondsMax = std::int64_t{7} * 86'400;
constexpr std::int64_t kLogLines = 200;
constexpr std::int64_t kLogLinesMax = 5000;

using NodeFunction = Result<ApiAnswer> (*)(const Context&, const ApiCall&, const std::string& node);

// Finds the caller's node by id or name first; another organisation's is not there.
template <NodeFunction Run>
Result<ApiAnswer> with_node(const Context& context, const ApiCall& call) {
    const auto node = find_node(context, call.parameter("node"));
    if (!node) {
        return make_error(ErrorCode::kNotFound, "there is no such node");
    }
    return Run(context, call, *node);
}

Result<ApiAnswer> queued(const Context& context,
                         const NewCommand& command,
                         std::string_view action) {
    const auto id = add_command(context, command);
    if (!id) {
        return std::unexpected(id.error());
    }
    record(context, {.action = action, .object = command.node, .new_value = command.params});
    return ApiAnswer{.status = 202, .body = json::value{{"command", *id}}, .wake = {command.node}};
}

Result<ApiAnswer> nodes(const Context& context, const ApiCall& call) {
    return answer_with(list_nodes(context, call.query_text("hybridClusterId")));
}

Result<ApiAnswer> show(const Context& context, const ApiCall& /*call*/, const std::string& node) {
    return answer_with(show_node(context, node));
}

Result<ApiAnswer> change(const Context& context, const ApiCall& call, const std::string& node) {
    auto body = change_node(context, node, call.body);
    if (!body) {
        return std::unexpected(body.error());
    }
    return ApiAnswer{.status = 200, .body = std::move(*body), .wake = {node}};
}

Result<ApiAnswer> remove(const Context& context, const ApiCall& /*call*/, const std::string& node) {
    auto answer = answer_done(remove_node(context, node));
    if (answer) {
        answer->cut = {node};
    }
    return answer;
}

Result<ApiAnswer> revoke(const Context& context, const ApiCall& /*call*/, const std::string& node) {
    auto answer = answer_done(revoke_node(context, node));
    if (answer) {
        answer->cut = {node};
    }
    return answer;
}

ConfigurationTarget target_of(const std::string& node) {
    return {.scope = ConfigurationScope::kNode, .id = node};
}

Result<ApiAnswer> configuration(const Context& context,
                                const ApiCall& call,
                                const std::string& node) {
    return answer_with(
        show_configuration(context, target_of(node), call.query_integer("version", 0, INT64_MAX)));
}

Result<ApiAnswer> versions(const Context& context,
                           const ApiCall& /*call*/,
                           const std::string& node) {
    return answer_with(list_configurations(context, target_of(node)));
}

Result<ApiAnswer> configure(const Context& context, const ApiCall& call, const std::string& node) {
    const auto change = read_configuration_change(call.body);
    if (!change) {
        return std::unexpected(change.error());
    }
    ApiAnswer answer;
    const auto version = put_configuration(context, target_of(node), *change, answer.wake);
    if (!version) {
        return std::unexpected(version.error());
    }
    answer.body = json::value{{"version", *version}};
    return answer;
}

Result<ApiAnswer> maintain(const Context& context, const ApiCall& call, const std::string& node) {
    const std::string mode = channel::text_field(call.body, "mode").value_or("");
    const std::int64_t deadline_s =
        channel::integer_field(call.body, "deadline_s").value_or(kDrainSeconds);
    if ((mode != "on" && mode != "off") || deadline_s < 0 || deadline_s > kDrainSecondsMax) {
        return make_error(ErrorCode::kInvalidArgument,
                          "mode is \"on\" or \"off\", deadline_s 0 to 604800 seconds");
    }
    return queued(context,
                  {.node = node,
                   .method = "maintenance.set",
                   .params = {{"mode", mode}, {"deadline_s", deadline_s}}},
                  "node.maintenance");
}

Result<ApiAnswer> restart(const Context& context, const ApiCall& call, const std::string& node) {
    const auto program = call.text("program");
    return program
               ? queued(context,
                        {.node = node, .method = "program.restart", .params = {{"name", *program}}},
                        "node.restart")
               : std::unexpected(program.error());
}

Result<ApiAnswer> ping(const Context& context, const ApiCall& /*call*/, const std::string& node) {
    return queued(context, {.node = node, .method = "ping", .params = json::object()}, "node.ping");
}

Result<ApiAnswer> logs(const Context& context, const ApiCall& call, const std::string& node) {
    const auto program = call.text("program");
    const std::int64_t lines = channel::integer_field(call.body, "lines").value_or(kLogLines);
    if (!program || lines < 1 || lines > kLogLinesMax) {
        return make_error(ErrorCode::kInvalidArgument,
                          "the body needs \"program\"; lines is 1 to 5000");
    }
    return queued(context,
                  {.node = node,
                   .method = "logs.collect",
                   .params = {{"program", *program}, {"lines", lines}}},
                  "node.logs");
}

Result<ApiAnswer> commands(const Context& context,
                           const ApiCall& /*call*/,
                           const std::string& node) {
    return answer_with(list_commands(context, node));
}

Result<ApiAnswer> events(const Context& context, const ApiCall& call, const std::string& node) {
    constexpr std::int64_t kUsual = 100;
    constexpr std::int64_t kMax = 1000;
    return answer_with(list_events(context, node, call.query_integer("limit", kUsual, kMax)));
}

Result<ApiAnswer> services(const Context& context,
                           const ApiCall& /*call*/,
                           const std::string& node) {
    return answer_with(list_services(context, node));
}

Result<ApiAnswer> activate(const Context& context, const ApiCall& call, const std::string& node) {
    auto answer =
        answer_with(activate_service(context, node, call.parameter("service"), call.body));
    if (answer) {
        answer->status = 202;
        answer->wake = {node};
    }
    return answer;
}

Result<ApiAnswer> deactivate(const Context& context, const ApiCall& call, const std::string& node) {
    auto answer = answer_with(deactivate_service(context, node, call.parameter("service")));
    if (answer) {
        answer->status = 202;
        answer->wake = {node};
    }
    return answer;
}

}  // namespace

const std::vector<Endpoint>& node_endpoints() {
    using enum Permission;
    constexpr std::string_view kNode = "/v1/hybrid/nodes/{node}";
    constexpr std::string_view kConfiguration = "/v1/hybrid/nodes/{node}/configuration";
    constexpr std::string_view kService = "/v1/hybrid/nodes/{node}/services/{service}";
    static const std::vector<Endpoint> kEndpoints = {
        {"GET", "/v1/hybrid/nodes", kSee, nodes},
        {"GET", kNode, kSee, with_node<show>},
        {"PATCH", kNode, kChange, with_node<change>},
        {"DELETE", kNode, kChange, with_node<remove>},
        {"POST", "/v1/hybrid/nodes/{node}/revocation", kChange, with_node<revoke>},
        {"GET", kConfiguration, kSee, with_node<configuration>},
        {"PUT", kConfiguration, kChange, with_node<configure>},
        {"GET", "/v1/hybrid/nodes/{node}/configurations", kSee, with_node<versions>},
        {"PUT", "/v1/hybrid/nodes/{node}/maintenance", kChange, with_node<maintain>},
        {"POST", "/v1/hybrid/nodes/{node}/restart", kChange, with_node<restart>},
        {"POST", "/v1/hybrid/nodes/{node}/ping", kSupport, with_node<ping>},
        {"POST", "/v1/hybrid/nodes/{node}/logs", kSupport, with_node<logs>},
        {"GET", "/v1/hybrid/nodes/{node}/commands", kSee, with_node<commands>},
        {"GET", "/v1/hybrid/nodes/{node}/events", kSee, with_node<events>},
        {"GET", "/v1/hybrid/nodes/{node}/services", kSee, with_node<services>},
        {"PUT", kService, kChange, with_node<activate>},
        {"DELETE", kService, kChange, with_node<deactivate>},
    };
    return kEndpoints;
}

}  // namespace isthmus::hub
