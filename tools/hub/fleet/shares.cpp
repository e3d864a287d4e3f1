#include "tools/hub/fleet/shares.h"

#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr const char* kUsage = "usage";
constexpr std::size_t kOrganisationBytesMax = 64;

std::unexpected<Error> no_share() {
    return make_error(ErrorCode::kNotFound, "no such node is shared with this organisation");
}

std::optional<std::string> name_of_organisation(const Context& context, const std::string& id) {
    const auto row = context.sql->find({"name"}, "from organisations where id = ?", {id});
    return row ? std::optional(row->text(0)) : std::nullopt;
}

struct Share {
    std::string node;
    std::string host;
    std::string guest;
    bool accepted = false;
    std::int64_t accepted_s = 0;
};

std::optional<Share> find_share(const Context& context,
                                const std::string& node,
                                const std::string& guest) {
    const auto rows = context.sql->select(
        {"s.node", "s.organisation", "s.guest", "s.state", "s.accepted_s"},
        "from node_shares s join nodes n on n.id = s.node and n.organisation = s.organisation "
        "where s.guest = ? and (n.id = ? or n.name = ?) order by n.id = ? desc limit 2",
        {guest, node, node, node});
    // Nodes of two hosts may have one name: then their ids tell them apart.
    if (rows.empty() || (rows.size() > 1 && rows.front().text(0) != node)) {
        return std::nullopt;
    }
    const SqlRow& row = rows.front();
    return Share{.node = row.text(0),
                 .host = row.text(1),
                 .guest = row.text(2),
                 .accepted = row.text(3) == "accepted",
                 .accepted_s = row.integer(4)};
}

// In both organisations' logs. What the other one did is told by its name: its people are its own.
void record_share(const Context& context, std::string_view action, const Share& share) {
    for (const std::string& organisation : {share.host, share.guest}) {
        const bool own = organisation == context.caller->organisation;
        const std::string& other = organisation == share.host ? share.guest : share.host;
        Context told = context;
        Caller from_elsewhere;
        told.caller = own ? context.caller : &from_elsewhere;  // nor its addresses
        record_as(
            told,
            organisation,
            own ? context.caller->name
                : name_of_organisation(context, context.caller->organisation).value_or(""),
            {.action = action,
             .object = share.node,
             .new_value = {{"organization", other},
                           {"displayName", name_of_organisation(context, other).value_or("")}}});
    }
}

Result<void> add_share(const Context& context, const Share& share) {
    if (share.guest == share.host) {
        return make_error(ErrorCode::kInvalidArgument, "the node is that organisation's own");
    }
    const auto count = context.sql->find(
        {"count(*)"}, "from node_shares where node = ? and guest <> ?", {share.node, share.guest});
    if (count && count->integer(0) >= kSharesOfANodeMax) {
        return make_error(ErrorCode::kLimitExceeded,
                          "a node is shared with at most 1000 organisations");
    }
    const auto offers = context.sql->find(
        {"count(*)"}, "from node_shares where guest = ? and state = 'offered'", {share.guest});
    if (!share.accepted && offers && offers->integer(0) >= kOffersMax) {
        return make_error(
            ErrorCode::kLimitExceeded,
            "too many offers wait for this organisation; it has to answer some first");
    }
    context.sql->run(
        "insert into node_shares(node, organisation, guest, state, created_s, accepted_s) "
        "values(?, ?, ?, ?, ?, ?)",
        {share.node,
         share.host,
         share.guest,
         std::string(share.accepted ? "accepted" : "offered"),
         context.now_s(),
         share.accepted_s});
    return {};
}

void remove_share(const Context& context, const Share& share) {
    context.sql->run("delete from node_shares where node = ? and guest = ?",
                     {share.node, share.guest});
}

json::value describe_share(const Context& context, const Share& share) {
    json::object out = {
        {"id", share.node},
        {"hostOrganization", name_of_organisation(context, share.host).value_or("")},
        {"state", share.accepted ? "accepted" : "offered"}};
    const auto nodes =
        node_records(context, "where n.id = ? and n.organisation = ?", {share.node, share.host});
    if (nodes.empty()) {
        return out;
    }
    out["name"] = nodes.front().name;
    if (share.accepted) {
        out["status"] = status_of(nodes.front());
        out["connected"] = nodes.front().connected;
        out["acceptedS"] = share.accepted_s;
    }
    return out;
}

}  // namespace

// --- the host --------------------------------------------------------------------------------

json::value list_shares(const Context& context, const std::string& node) {
    json::array items;
    for (const SqlRow& row :
         context.sql->select({"s.guest", "o.name", "s.state", "s.created_s", "s.accepted_s"},
                             "from node_shares s join organisations o on o.id = s.guest "
                             "where s.node = ? and s.organisation = ? order by o.name",
                             {node, context.caller->organisation})) {
        items.push_back({{"organization", row.text(0)},
                         {"displayName", row.text(1)},
                         {"state", row.text(2)},
                         {"createdS", row.integer(3)},
                         {"acceptedS", row.integer(4)}});
    }
    return json::value{{"items", std::move(items)}};
}

Result<void> offer_share(const Context& context,
                         const std::string& node,
                         const std::string& guest) {
    if (!name_of_organisation(context, guest)) {
        return make_error(ErrorCode::kNotFound,
                          "there is no organisation of this id; isthmusctl hub organization show "
                          "tells an organisation its own");
    }
    const Share share{.node = node, .host = context.caller->organisation, .guest = guest};
    if (find_share(context, node, guest)) {
        return make_error(ErrorCode::kConflict,
                          "the node is shared with this organisation already");
    }
    if (auto added = add_share(context, share); !added) {
        return added;
    }
    record_share(context, "node.share.offer", share);
    return {};
}

Result<void> end_share(const Context& context, const std::string& node, const std::string& guest) {
    const auto share = find_share(context, node, guest);
    if (!share || share->host != context.caller->organisation) {
        return make_error(ErrorCode::kNotFound, "the node is not shared with this organisation");
    }
    remove_share(context, *share);
    record_share(context, "node.share.end", *share);
    return {};
}

void end_shares_of(const Context& context, const std::string& node) {
    for (const SqlRow& row :
         context.sql->select({"guest"}, "from node_shares where node = ?", {node})) {
        record_share(context,
                     "node.share.end",
                     {.node = node, .host = context.caller->organisation, .guest = row.text(0)});
    }
    context.sql->run("delete from node_shares where node = ?", {node});
}

// --- the guest -------------------------------------------------------------------------------

json::value list_shared_nodes(const Context& context) {
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"s.node"},
             "from node_shares s join nodes n on n.id = s.node and "
             "n.organisation = s.organisation where s.guest = ? order by n.name, n.id",
             {context.caller->organisation})) {
        if (const auto share = find_share(context, row.text(0), context.caller->organisation)) {
            items.push_back(describe_share(context, *share));
        }
    }
    return json::value{{"items", std::move(items)}};
}

Result<json::value> show_shared_node(const Context& context, const std::string& node) {
    const auto share = find_share(context, node, context.caller->organisation);
    return share ? Result<json::value>(describe_share(context, *share)) : no_share();
}

Result<void> accept_share(const Context& context, const std::string& node) {
    auto share = find_share(context, node, context.caller->organisation);
    if (!share) {
        return no_share();
    }
    if (share->accepted) {
        return make_error(ErrorCode::kConflict, "it was accepted before");
    }
    context.sql->run(
        "update node_shares set state = 'accepted', accepted_s = ? where node = ? and guest = ?",
        {context.now_s(), share->node, share->guest});
    record_share(context, "node.share.accept", *share);
    return {};
}

Result<void> leave_share(const Context& context, const std::string& node) {
    const auto share = find_share(context, node, context.caller->organisation);
    if (!share) {
        return no_share();
    }
    remove_share(context, *share);
    record_share(context, "node.share.leave", *share);
    return {};
}

Result<json::value> list_shared_usage(const Context& context,
                                      const std::string& node,
                                      std::int64_t limit) {
    const auto share = find_share(context, node, context.caller->organisation);
    if (!share || !share->accepted) {
        return no_share();
    }
    constexpr std::int64_t kMilliseconds = 1000;
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"time_ms", "received_ms", "body"},
             "from events where guest = ? and node = ? and organisation = ? and kind = ? and "
             "received_ms >= ? order by received_ms desc, epoch desc, sequence desc limit ?",
             {share->guest,
              share->node,
              share->host,
              std::string(kUsage),
              share->accepted_s * kMilliseconds,
              limit})) {
        boost::system::error_code error;
        json::value body = json::parse(row.text(2), error);
        items.push_back({{"timeMs", row.integer(0)},
                         {"receivedMs", row.integer(1)},
                         {"body", error ? json::value(nullptr) : std::move(body)}});
    }
    return json::value{{"items", std::move(items)}};
}

// --- an operator -----------------------------------------------------------------------------

Result<void> grant_share(const Context& context,
                         const std::string& node,
                         const std::string& guest) {
    const auto host = context.sql->find({"organisation"}, "from nodes where id = ?", {node});
    const auto found = context.sql->find(
        {"id"},
        "from organisations where id = ? or name = ? order by id = ? desc limit 1",
        {guest, guest, guest});
    if (!host || !found) {
        return make_error(ErrorCode::kNotFound,
                          !host ? "there is no node of this id" : "there is no such organisation");
    }
    const Share share{.node = node,
                      .host = host->text(0),
                      .guest = found->text(0),
                      .accepted = true,
                      .accepted_s = context.now_s()};
    if (const auto before = find_share(context, node, share.guest)) {
        if (before->accepted) {
            return make_error(ErrorCode::kConflict,
                              "the node is shared with this organisation already");
        }
        remove_share(context, *before);
    }
    if (auto added = add_share(context, share); !added) {
        return added;
    }
    record_share(context, "node.share.grant", share);
    const std::string& own = context.caller->organisation;
    if (own != share.host && own != share.guest) {
        record(context,
               {.action = "node.share.grant",
                .object = node,
                .new_value = {{"host", share.host}, {"organization", share.guest}}});
    }
    return {};
}

// --- channels --------------------------------------------------------------------------------

std::string guest_of_event(const std::string& kind, const json::value& body) {
    if (kind != kUsage) {
        return {};
    }
    std::string guest = channel::text_field(body, "organization").value_or("");
    return guest.size() <= kOrganisationBytesMax ? guest : std::string();
}

}  // namespace isthmus::hub
