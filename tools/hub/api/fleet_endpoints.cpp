// Clusters, connectors, enrolment codes, alarms, events of all nodes.
#include <boost/json/object.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/api/endpoint.h"
#include "tools/hub/fleet/clusters.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/fleet/configurations.h"
#include "tools/hub/fleet/enrollments.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/fleet/nodes.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::int64_t kEventsMax = 1000;

Result<ConfigurationTarget> cluster_target(const Context& context, const ApiCall& call) {
    auto id = find_cluster(context, call.parameter("hybridClusterId"));
    if (!id) {
        return make_error(ErrorCode::kNotFound, "there is no such cluster");
    }
    return ConfigurationTarget{.scope = ConfigurationScope::kCluster, .id = std::move(*id)};
}

Result<ApiAnswer> clusters(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_clusters(context));
}

Result<ApiAnswer> cluster_add(const Context& context, const ApiCall& call) {
    const auto name = call.text("name");
    if (!name) {
        return std::unexpected(name.error());
    }
    auto made = add_cluster(context, *name);
    if (!made) {
        return std::unexpected(made.error());
    }
    return ApiAnswer{.status = 201, .body = std::move(*made)};
}

Result<ApiAnswer> cluster(const Context& context, const ApiCall& call) {
    const auto target = cluster_target(context, call);
    return target ? answer_with(show_cluster(context, target->id))
                  : std::unexpected(target.error());
}

Result<ApiAnswer> cluster_change(const Context& context, const ApiCall& call) {
    const auto target = cluster_target(context, call);
    return target ? answer_with(change_cluster(context, target->id, call.body))
                  : std::unexpected(target.error());
}

Result<ApiAnswer> cluster_remove(const Context& context, const ApiCall& call) {
    const auto target = cluster_target(context, call);
    return target ? answer_done(remove_cluster(context, target->id))
                  : std::unexpected(target.error());
}

Result<ApiAnswer> cluster_configuration(const Context& context, const ApiCall& call) {
    const auto target = cluster_target(context, call);
    return target ? answer_with(show_configuration(
                        context, *target, call.query_integer("version", 0, INT64_MAX)))
                  : std::unexpected(target.error());
}

Result<ApiAnswer> cluster_versions(const Context& context, const ApiCall& call) {
    const auto target = cluster_target(context, call);
    return target ? answer_with(list_configurations(context, *target))
                  : std::unexpected(target.error());
}

Result<ApiAnswer> cluster_configure(const Context& context, const ApiCall& call) {
    const auto target = cluster_target(context, call);
    const auto change = read_configuration_change(call.body);
    if (!target || !change) {
        return std::unexpected(target ? change.error() : target.error());
    }
    ApiAnswer answer;
    const auto version = put_configuration(context, *target, *change, answer.wake);
    if (!version) {
        return std::unexpected(version.error());
    }
    answer.body = json::value{{"version", *version}};
    return answer;
}

Result<ApiAnswer> connectors(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_connectors(context));
}

Result<ApiAnswer> connector(const Context& context, const ApiCall& call) {
    return answer_with(show_connector(context, call.parameter("connectorId")));
}

Result<ApiAnswer> alarms(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_alarms(context));
}

Result<ApiAnswer> events(const Context& context, const ApiCall& call) {
    constexpr std::int64_t kUsual = 100;
    return answer_with(list_events(context, "", call.query_integer("limit", kUsual, kEventsMax)));
}

Result<ApiAnswer> codes(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_codes(context));
}

Result<ApiAnswer> code_add(const Context& context, const ApiCall& call) {
    const auto cluster = call.text("cluster");
    if (!cluster) {
        return std::unexpected(cluster.error());
    }
    auto made =
        add_code(context,
                 *call.keyring,
                 {.cluster = *cluster,
                  .minutes = channel::integer_field(call.body, "minutes").value_or(kCodeMinutes),
                  .url = call.url});
    if (!made) {
        return std::unexpected(made.error());
    }
    return ApiAnswer{.status = 201, .body = std::move(*made)};
}

Result<ApiAnswer> code_remove(const Context& context, const ApiCall& call) {
    return answer_done(remove_code(context, call.parameter("code")));
}

Result<ApiAnswer> command(const Context& context, const ApiCall& call) {
    return answer_with(show_command(context, call.parameter("command")));
}

}  // namespace

const std::vector<Endpoint>& fleet_endpoints() {
    using enum Permission;
    constexpr std::string_view kCluster = "/v1/hybrid/clusters/{hybridClusterId}";
    constexpr std::string_view kConfiguration =
        "/v1/hybrid/clusters/{hybridClusterId}/configuration";
    static const std::vector<Endpoint> kEndpoints = {
        {"GET", "/v1/hybrid/clusters", kSee, clusters},
        {"POST", "/v1/hybrid/clusters", kChange, cluster_add},
        {"GET", kCluster, kSee, cluster},
        {"PATCH", kCluster, kChange, cluster_change},
        {"DELETE", kCluster, kChange, cluster_remove},
        {"GET", kConfiguration, kSee, cluster_configuration},
        {"PUT", kConfiguration, kChange, cluster_configure},
        {"GET", "/v1/hybrid/clusters/{hybridClusterId}/configurations", kSee, cluster_versions},
        {"GET", "/v1/hybrid/connectors", kSee, connectors},
        {"GET", "/v1/hybrid/connectors/{connectorId}", kSee, connector},
        {"GET", "/v1/hybrid/alarms", kSee, alarms},
        {"GET", "/v1/hybrid/events", kSee, events},
        {"GET", "/v1/hybrid/codes", kSee, codes},
        {"POST", "/v1/hybrid/codes", kChange, code_add},
        {"DELETE", "/v1/hybrid/codes/{code}", kChange, code_remove},
        {"GET", "/v1/hybrid/commands/{command}", kSee, command},
    };
    return kEndpoints;
}

}  // namespace isthmus::hub
