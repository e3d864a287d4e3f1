#include "tools/hub/fleet/node_status.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/nodes.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

const std::vector<std::string> kColumns = {"n.id",
                                           "n.organisation",
                                           "n.cluster",
                                           "c.name",
                                           "n.name",
                                           "n.state",
                                           "n.sealing_key",
                                           "n.created_s",
                                           "n.certificate_until_s",
                                           "n.last_seen_s",
                                           "n.home",
                                           "n.applied_version",
                                           "n.applied_state",
                                           "n.status"};

json::value value_of(const std::string& text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return error ? json::value(nullptr) : value;
}

json::array services_of(const Context& context, const std::string& node) {
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"name", "package", "state"}, "from services where node = ? order by name", {node})) {
        items.push_back({{"name", row.text(0)}, {"package", row.text(1)}, {"state", row.text(2)}});
    }
    return items;
}

std::string text_of(const json::value& value, std::string_view name) {
    return channel::text_field(value, name).value_or("");
}

std::string program_version(const NodeRecord& node, std::string_view program) {
    const json::value* versions = channel::find_field(node.report, "versions");
    return versions != nullptr ? text_of(*versions, program) : std::string();
}

std::string maintenance_mode(const NodeRecord& node) {
    const json::value* maintenance = channel::find_field(node.report, "maintenance");
    return maintenance != nullptr ? text_of(*maintenance, "mode") : std::string();
}

bool is_grave(const json::value& alarm) {
    const std::string severity = text_of(alarm, "severity");
    return severity == "critical" || severity == "error";
}

json::value field_or_null(const json::value& report, std::string_view name) {
    const json::value* field = channel::find_field(report, name);
    return field != nullptr ? *field : json::value(nullptr);
}

}  // namespace

std::string timestamp(std::int64_t unix_s) {
    const std::time_t time = unix_s;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), size};
}

std::vector<NodeRecord> node_records(const Context& context,
                                     std::string_view condition,
                                     const SqlValues& values) {
    std::vector<NodeRecord> nodes;
    for (const SqlRow& row : context.sql->select(
             kColumns,
             "from nodes n join clusters c on c.id = n.cluster " + std::string(condition),
             values)) {
        const bool silent = context.now_s() - row.integer(9) > kSilentSeconds;
        nodes.push_back({.id = row.text(0),
                         .organisation = row.text(1),
                         .cluster = row.text(2),
                         .cluster_name = row.text(3),
                         .name = row.text(4),
                         .state = row.text(5),
                         .sealing_key = row.text(6),
                         .created_s = row.integer(7),
                         .certificate_until_s = row.integer(8),
                         .last_seen_s = row.integer(9),
                         .connected = !row.text(10).empty() && !silent,
                         .applied_version = row.integer(11),
                         .applied_state = row.text(12),
                         .report = value_of(row.text(13)),
                         .services = services_of(context, row.text(0))});
    }
    return nodes;
}

std::string_view status_of(const NodeRecord& node) {
    if (!node.connected || node.state != "enrolled") {
        return "outage";
    }
    if (const std::string mode = maintenance_mode(node); mode == "on" || mode == "pending") {
        return "maintenanceMode";
    }
    const std::string state = text_of(node.report, "state");
    if (state == "outage") {
        return "outage";
    }
    const json::array alarms = alarms_of(node);
    const bool grave = std::ranges::any_of(alarms, is_grave);
    return grave || state == "impaired" ? "impaired" : "operational";
}

json::array alarms_of(const NodeRecord& node) {
    json::array out;
    const json::value* alarms = channel::find_field(node.report, "alarms");
    if (alarms == nullptr || !alarms->is_array()) {
        return out;
    }
    for (const json::value& alarm : alarms->get_array()) {
        if (!alarm.is_object()) {
            continue;
        }
        json::object entry = {{"id", text_of(alarm, "id")},
                              {"severity", text_of(alarm, "severity")},
                              {"title", text_of(alarm, "title")},
                              {"description", text_of(alarm, "description")},
                              {"solution", text_of(alarm, "solution")},
                              {"hybridConnectorId", "media@" + node.id},
                              {"node", node.id},
                              {"hostname", node.name}};
        const auto since_ms = channel::integer_field(alarm, "since_ms");
        entry["created"] = timestamp(since_ms ? *since_ms / 1000 : node.last_seen_s);
        out.push_back(std::move(entry));
    }
    return out;
}

const json::value* reported_service(const NodeRecord& node, std::string_view name) {
    const json::value* services = channel::find_field(node.report, "services");
    if (services == nullptr || !services->is_array()) {
        return nullptr;
    }
    for (const json::value& service : services->get_array()) {
        if (text_of(service, "name") == name) {
            return &service;
        }
    }
    return nullptr;
}

json::value describe_node(const NodeRecord& node) {
    return {{"id", node.id},
            {"orgId", node.organisation},
            {"hybridClusterId", node.cluster},
            {"clusterName", node.cluster_name},
            {"hostname", node.name},
            {"name", node.name},
            {"status", status_of(node)},
            {"state", node.state},
            {"connected", node.connected},
            {"created", timestamp(node.created_s)},
            {"lastSeenS", node.last_seen_s},
            {"certificateUntilS", node.certificate_until_s},
            {"sealingKey", node.sealing_key},
            {"maintenance", field_or_null(node.report, "maintenance")},
            {"versions", field_or_null(node.report, "versions")},
            {"load", field_or_null(node.report, "load")},
            {"configuration", {{"version", node.applied_version}, {"state", node.applied_state}}},
            {"alarms", alarms_of(node)},
            {"services", node.services}};
}

void add_connectors(const NodeRecord& node, json::array& items) {
    const auto add = [&](const std::string& type,
                         std::string_view status,
                         const std::string& version,
                         json::array alarms) {
        items.push_back({{"id", type + "@" + node.id},
                         {"orgId", node.organisation},
                         {"hybridClusterId", node.cluster},
                         {"hostname", node.name},
                         {"status", status},
                         {"created", timestamp(node.created_s)},
                         {"type", type},
                         {"version", version},
                         {"alarms", std::move(alarms)}});
    };
    add("media", status_of(node), program_version(node, "node"), alarms_of(node));
    for (const json::value& service : node.services) {
        const std::string name = text_of(service, "name");
        const json::value* reported = reported_service(node, name);
        const bool running = reported != nullptr && text_of(*reported, "state") == "running";
        const bool up = status_of(node) != "outage";
        add(name,
            !up       ? "outage"
            : running ? status_of(node)
                      : std::string_view("outage"),
            reported != nullptr ? text_of(*reported, "version") : std::string(),
            {});
    }
}

}  // namespace isthmus::hub
