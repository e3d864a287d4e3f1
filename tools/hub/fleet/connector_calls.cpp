#include "tools/hub/fleet/connector_calls.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/counters.h"
#include "tools/hub/fleet/node_status.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

// On whose behalf a connector asks.
struct Asker {
    std::string organisation;
    std::string cluster;
    std::string service;
};

std::optional<Asker> find_asker(const Context& context,
                                const Fence& fence,
                                const std::string& service) {
    const auto row = context.sql->find(
        {"n.organisation", "n.cluster"},
        "from nodes n join services s on s.node = n.id where n.id = ? and n.fence = ? and "
        "n.state = 'enrolled' and s.name = ? and s.state = 'active'",
        {fence.node, fence.number, service});
    return row ? std::optional(Asker{row->text(0), row->text(1), service}) : std::nullopt;
}

Result<std::string> key_of(const json::value& params) {
    auto key = channel::text_field(params, "key");
    if (!key || key->empty() || key->size() > kStateKeyBytesMax) {
        return make_error(ErrorCode::kInvalidArgument, "key is 1 to 128 bytes");
    }
    return std::move(*key);
}

// {"value","version"}; null and 0 where there is none.
json::object state_of(const Context& context, const Asker& asker, const std::string& key) {
    const auto row =
        context.sql->find({"value", "version"},
                          "from connector_state where cluster = ? and service = ? and name = ?",
                          {asker.cluster, asker.service, key});
    if (!row) {
        return {{"value", nullptr}, {"version", 0}};
    }
    boost::system::error_code error;
    json::value value = json::parse(row->text(0), error);
    return {{"value", error ? json::value(nullptr) : std::move(value)},
            {"version", row->integer(1)}};
}

Result<json::value> get_state(const Context& context,
                              const Asker& asker,
                              const json::value& params) {
    const auto key = key_of(params);
    if (!key) {
        return std::unexpected(key.error());
    }
    return state_of(context, asker, *key);
}

Result<void> check_room(const Context& context, const Asker& asker, const std::string& key) {
    const auto others =
        context.sql->find({"count(*)"},
                          "from connector_state where cluster = ? and service = ? and name <> ?",
                          {asker.cluster, asker.service, key});
    if (others && others->integer(0) >= kStateKeysMax) {
        return make_error(ErrorCode::kLimitExceeded,
                          fmt::format("a service keeps at most {} values", kStateKeysMax));
    }
    return {};
}

// A value of null removes. Versions come from a counter, so that none comes twice, also where a key
// was removed and is made again.
Result<json::value> put_state(const Context& context,
                              const Asker& asker,
                              const json::value& params) {
    const auto key = key_of(params);
    if (!key) {
        return std::unexpected(key.error());
    }
    const json::value* const value = channel::find_field(params, "value");
    std::string text = value != nullptr ? json::serialize(*value) : std::string();
    if (value == nullptr || text.size() > kStateValueBytesMax) {
        return make_error(ErrorCode::kInvalidArgument,
                          "value is missing, or longer than 64 KiB as JSON");
    }
    if (const auto expected = channel::integer_field(params, "expected_version")) {
        const std::int64_t now =
            state_of(context, asker, *key).at("version").to_number<std::int64_t>();
        if (now != *expected) {
            return make_error(ErrorCode::kInvalidArgument,
                              fmt::format("it is at version {} by now", now));
        }
    }
    if (value->is_null()) {
        context.sql->run(
            "delete from connector_state where cluster = ? and service = ? and "
            "name = ?",
            {asker.cluster, asker.service, *key});
        return json::value{{"version", 0}};
    }
    if (const auto room = check_room(context, asker, *key); !room) {
        return std::unexpected(room.error());
    }
    const std::int64_t version = next_number(context, "connector_state:" + asker.cluster);
    context.sql->run(
        "insert into connector_state(organisation, cluster, service, name, value, version, "
        "updated_s) values(?, ?, ?, ?, ?, ?, ?) on conflict(cluster, service, name) do update set "
        "value = excluded.value, version = excluded.version, updated_s = excluded.updated_s",
        {asker.organisation,
         asker.cluster,
         asker.service,
         *key,
         std::move(text),
         version,
         context.now_s()});
    return json::value{{"version", version}};
}

// Who else could do what this connector does.
Result<json::value> list_peers(const Context& context,
                               const Asker& asker,
                               const json::value& /*params*/) {
    json::array items;
    for (const NodeRecord& node :
         node_records(context,
                      "join services s on s.node = n.id where n.cluster = ? and s.name = ? and "
                      "s.state = 'active' and n.state = 'enrolled' order by n.name",
                      {asker.cluster, asker.service})) {
        const json::value* const reported = reported_service(node, asker.service);
        items.push_back(
            {{"node", node.id},
             {"name", node.name},
             {"connected", node.connected},
             {"state",
              reported != nullptr ? channel::text_field(*reported, "state").value_or("") : ""}});
    }
    return json::value{{"items", std::move(items)}};
}

struct Method {
    std::string_view name;
    Result<json::value> (*answer)(const Context&, const Asker&, const json::value&);
};

constexpr std::array<Method, 3> kMethods = {{
    {"service.peers", list_peers},
    {"state.get", get_state},
    {"state.put", put_state},
}};

}  // namespace

Result<ConnectorCall> read_connector_call(const json::value& params) {
    auto service = channel::text_field(params, "service");
    auto method = channel::text_field(params, "method");
    if (!service || !method) {
        return make_error(ErrorCode::kInvalidArgument, "connector.call needs service and method");
    }
    const json::value* const given = channel::find_field(params, "params");
    return ConnectorCall{.service = std::move(*service),
                         .method = std::move(*method),
                         .params = given != nullptr ? *given : json::value(nullptr)};
}

Result<json::value> answer_connector_call(const Context& context,
                                          const Fence& fence,
                                          const ConnectorCall& call) {
    const auto asker = find_asker(context, fence, call.service);
    if (!asker) {
        return make_error(ErrorCode::kPermissionDenied,
                          fmt::format("this node hosts no service \"{}\"", call.service));
    }
    const auto* const method = std::ranges::find(kMethods, call.method, &Method::name);
    if (method == kMethods.end()) {
        return make_error(ErrorCode::kNotFound,
                          fmt::format("this hub has no method \"{}\"", call.method));
    }
    return method->answer(context, *asker, call.params);
}

}  // namespace isthmus::hub
