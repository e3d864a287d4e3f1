#include "tools/hub/fleet/nodes.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/http/base64url.h"
#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/clusters.h"
#include "tools/hub/fleet/configurations.h"
#include "tools/hub/fleet/events.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/fleet/shares.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

std::unexpected<Error> absent() {
    return make_error(ErrorCode::kNotFound, "there is no such node");
}

std::optional<NodeRecord> find_record(const Context& context, const std::string& id) {
    const auto rows = node_records(
        context, "where n.id = ? and n.organisation = ?", {id, context.caller->organisation});
    return rows.empty() ? std::nullopt : std::optional(rows.front());
}

// Every connector of the organisation.
json::array all_connectors(const Context& context) {
    json::array items;
    for (const NodeRecord& node : node_records(
             context, "where n.organisation = ? order by n.name", {context.caller->organisation})) {
        add_connectors(node, items);
    }
    return items;
}

}  // namespace

json::value list_nodes(const Context& context, const std::string& cluster) {
    json::array items;
    for (const NodeRecord& node :
         node_records(context,
                      "where n.organisation = ? and (n.cluster = ? or '' = ?) order by n.name",
                      {context.caller->organisation, cluster, cluster})) {
        items.push_back(describe_node(node));
    }
    return json::value{{"items", std::move(items)}};
}

Result<json::value> show_node(const Context& context, const std::string& id) {
    const auto node = find_record(context, id);
    return node ? Result<json::value>(describe_node(*node)) : absent();
}

json::value list_connectors(const Context& context) {
    return json::value{{"items", all_connectors(context)}};
}

Result<json::value> show_connector(const Context& context, const std::string& id) {
    for (const json::value& connector : all_connectors(context)) {
        if (connector.at("id") == json::value(id)) {
            return connector;
        }
    }
    return make_error(ErrorCode::kNotFound, "there is no such connector");
}

json::value list_alarms(const Context& context) {
    json::array items;
    if (auto own = event_alarm(context)) {
        items.push_back(std::move(*own));
    }
    for (const NodeRecord& node : node_records(
             context, "where n.organisation = ? order by n.name", {context.caller->organisation})) {
        for (const json::value& alarm : alarms_of(node)) {
            items.push_back(alarm);
        }
    }
    return json::value{{"items", std::move(items)}};
}

Result<json::value> change_node(const Context& context,
                                const std::string& id,
                                const json::value& changes) {
    const auto node = find_record(context, id);
    if (!node) {
        return absent();
    }
    const std::string name = channel::text_field(changes, "name").value_or(node->name);
    if (auto fault = fault_of_name(name); !fault.empty()) {
        return make_error(ErrorCode::kInvalidArgument, std::move(fault));
    }
    std::string cluster = node->cluster;
    if (const auto wanted = channel::text_field(changes, "clusterId")) {
        const auto found = find_cluster(context, *wanted);
        if (!found) {
            return make_error(ErrorCode::kNotFound, "there is no such cluster");
        }
        cluster = *found;
    }
    context.sql->run("update nodes set name = ?, cluster = ? where id = ? and organisation = ?",
                     {name, cluster, id, context.caller->organisation});
    if (cluster != node->cluster) {
        if (const auto done = configure_moved_node(context, id); !done) {
            return std::unexpected(done.error());
        }
    }
    record(context,
           {.action = "node.change",
            .object = id,
            .old_value = {{"name", node->name}, {"clusterId", node->cluster}},
            .new_value = {{"name", name}, {"clusterId", cluster}}});
    return show_node(context, id);
}

Result<void> revoke_node(const Context& context, const std::string& id) {
    const auto node = find_record(context, id);
    if (!node) {
        return absent();
    }
    context.sql->run(
        "update nodes set state = 'revoked', revoked_s = ?, fence = fence + 1, home = '' "
        "where id = ? and organisation = ?",
        {context.now_s(), id, context.caller->organisation});
    record(context,
           {.action = "node.revoke",
            .object = id,
            .old_value = {{"name", node->name}, {"state", node->state}},
            .new_value = {{"state", "revoked"}}});
    return {};
}

Result<void> remove_node(const Context& context, const std::string& id) {
    const auto node = find_record(context, id);
    if (!node) {
        return absent();
    }
    const auto service =
        context.sql->find({"name"}, "from services where node = ? and state = 'active'", {id});
    if (service) {
        return make_error(ErrorCode::kConflict,
                          fmt::format("the node hosts the service \"{}\"; deactivate it first",
                                      service->text(0)));
    }
    end_shares_of(context, id);
    for (const char* statement : {"delete from commands where node = ?",
                                  "delete from services where node = ?",
                                  "delete from configurations where scope = 'node' and target = ?",
                                  "delete from nodes where id = ?"}) {
        context.sql->run(statement, {id});
    }
    forget_events_of(context, context.caller->organisation, id);
    record(context,
           {.action = "node.remove",
            .object = id,
            .old_value = {{"name", node->name}, {"clusterId", node->cluster}}});
    return {};
}

std::optional<std::string> find_node(const Context& context, const std::string& id_or_name) {
    const auto row = context.sql->find({"id"},
                                       "from nodes where organisation = ? and (id = ? or name = ?)",
                                       {context.caller->organisation, id_or_name, id_or_name});
    return row ? std::optional(row->text(0)) : std::nullopt;
}

std::optional<KnownNode> look_up_node(const Context& context, const std::string& id) {
    const auto row =
        context.sql->find({"organisation", "key", "state"}, "from nodes where id = ?", {id});
    if (!row) {
        return std::nullopt;
    }
    const auto key =
        channel::PublicKey::from_bytes(http::decode_base64url(row->text(1)).value_or(""));
    if (!key) {
        return std::nullopt;
    }
    return KnownNode{
        .organisation = row->text(0), .key = *key, .revoked = row->text(2) != "enrolled"};
}

std::optional<Fence> claim_node(const Context& context,
                                const std::string& id,
                                const std::string& instance) {
    context.sql->run(
        "update nodes set home = ?, fence = fence + 1, last_seen_s = ? "
        "where id = ? and state = 'enrolled'",
        {instance, context.now_s(), id});
    const auto row = context.sql->find(
        {"fence"}, "from nodes where id = ? and state = 'enrolled' and home = ?", {id, instance});
    if (!row) {
        return std::nullopt;
    }
    resend_commands(context, id);
    return Fence{.node = id, .number = row->integer(0)};
}

void release_node(const Context& context, const Fence& fence) {
    context.sql->run("update nodes set home = '', last_seen_s = ? where id = ? and fence = ?",
                     {context.now_s(), fence.node, fence.number});
}

void release_all_nodes(const Context& context, const std::string& instance) {
    context.sql->run("update nodes set home = '' where home = ?", {instance});
}

bool note_report(const Context& context, const Fence& fence, const NodeReport& report) {
    return context.sql->run(
               "update nodes set last_seen_s = ?, status = ?, applied_version = ?, "
               "applied_state = ? where id = ? and fence = ? and state = 'enrolled'",
               {context.now_s(),
                report.status,
                report.configuration_version,
                report.configuration_state,
                fence.node,
                fence.number}) == 1;
}

void note_certificate(const Context& context,
                      const std::string& node,
                      const std::string& serial,
                      std::int64_t until_s) {
    context.sql->run(
        "update nodes set certificate_serial = ?, certificate_until_s = ? where id = ?",
        {serial, until_s, node});
}

}  // namespace isthmus::hub
