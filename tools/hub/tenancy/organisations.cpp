#include "tools/hub/tenancy/organisations.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

const std::vector<std::string> kColumns = {
    "id",
    "name",
    "nodes_max",
    "clusters_max",
    "people_max",
    "(select count(*) from nodes n where n.organisation = organisations.id)",
    "(select count(*) from clusters c where c.organisation = organisations.id)",
    "(select count(*) from people p where p.organisation = organisations.id)"};

json::value describe(const SqlRow& row) {
    return {
        {"id", row.text(0)},
        {"displayName", row.text(1)},
        {"quotas",
         {{"nodes", row.integer(2)}, {"clusters", row.integer(3)}, {"people", row.integer(4)}}},
        {"used",
         {{"nodes", row.integer(5)}, {"clusters", row.integer(6)}, {"people", row.integer(7)}}}};
}

json::value to_json(const Quotas& quotas) {
    return {{"nodes", quotas.nodes}, {"clusters", quotas.clusters}, {"people", quotas.people}};
}

}  // namespace

Result<std::string> add_organisation(const Context& context,
                                     const std::string& name,
                                     const Quotas& quotas) {
    if (auto fault = fault_of_name(name); !fault.empty()) {
        return make_error(ErrorCode::kInvalidArgument, std::move(fault));
    }
    std::string id = context.new_id();
    context.sql->run(
        "insert into organisations(id, name, created_s, nodes_max, clusters_max, people_max) "
        "values(?, ?, ?, ?, ?, ?)",
        {id, name, context.now_s(), quotas.nodes, quotas.clusters, quotas.people});
    record_as(context,
              id,
              context.caller != nullptr ? context.caller->name : "isthmus-hub",
              {.action = "organisation.add", .object = id, .new_value = {{"name", name}}});
    return id;
}

json::value list_organisations(const Context& context) {
    json::array items;
    for (const SqlRow& row : context.sql->select(kColumns, "from organisations order by name")) {
        items.push_back(describe(row));
    }
    return json::value{{"items", std::move(items)}};
}

Result<json::value> show_organisation(const Context& context) {
    const auto row = context.sql->find(
        kColumns, "from organisations where id = ?", {context.caller->organisation});
    if (!row) {
        return make_error(ErrorCode::kNotFound, "there is no such organisation");
    }
    return describe(*row);
}

Result<void> set_quotas(const Context& context,
                        const std::string& organisation,
                        const Quotas& quotas) {
    const auto old = context.sql->find(kColumns, "from organisations where id = ?", {organisation});
    if (!old) {
        return make_error(ErrorCode::kNotFound, "there is no such organisation");
    }
    context.sql->run(
        "update organisations set nodes_max = ?, clusters_max = ?, people_max = ? where id = ?",
        {quotas.nodes, quotas.clusters, quotas.people, organisation});
    record_as(context,
              organisation,
              context.caller->name,
              {.action = "organisation.quotas",
               .object = organisation,
               .old_value = describe(*old).at("quotas"),
               .new_value = to_json(quotas)});
    return {};
}

Result<void> check_quota(const Context& context,
                         const std::string& organisation,
                         std::string_view table) {
    const auto row = context.sql->find(
        {fmt::format("{}_max", table),
         fmt::format("(select count(*) from {} t where t.organisation = organisations.id)", table)},
        "from organisations where id = ?",
        {organisation});
    if (row && row->integer(1) >= row->integer(0)) {
        return make_error(
            ErrorCode::kLimitExceeded,
            fmt::format("the organisation may have {} {}, and has them; remove some, or ask who "
                        "runs the hub for more",
                        row->integer(0),
                        table));
    }
    return {};
}

}  // namespace isthmus::hub
