// Nodes that serve several organisations: the host's side, the guest's, the operator's.
#include <boost/json/object.hpp>

#include "tools/hub/api/endpoint.h"
#include "tools/hub/fleet/nodes.h"
#include "tools/hub/fleet/shares.h"

namespace isthmus::hub {
namespace {

// The host's: the path's node is one of the caller's own.
template <Result<ApiAnswer> (*Run)(const Context&, const ApiCall&, const std::string& node)>
Result<ApiAnswer> with_own_node(const Context& context, const ApiCall& call) {
    const auto node = find_node(context, call.parameter("node"));
    return node ? Run(context, call, *node)
                : make_error(ErrorCode::kNotFound, "there is no such node");
}

Result<ApiAnswer> shares(const Context& context, const ApiCall& /*call*/, const std::string& node) {
    return answer_with(list_shares(context, node));
}

Result<ApiAnswer> offer(const Context& context, const ApiCall& call, const std::string& node) {
    return answer_done(offer_share(context, node, call.parameter("organization")));
}

Result<ApiAnswer> end(const Context& context, const ApiCall& call, const std::string& node) {
    return answer_done(end_share(context, node, call.parameter("organization")));
}

Result<ApiAnswer> shared_nodes(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_shared_nodes(context));
}

Result<ApiAnswer> shared_node(const Context& context, const ApiCall& call) {
    return answer_with(show_shared_node(context, call.parameter("node")));
}

Result<ApiAnswer> accept(const Context& context, const ApiCall& call) {
    return answer_done(accept_share(context, call.parameter("node")));
}

Result<ApiAnswer> leave(const Context& context, const ApiCall& call) {
    return answer_done(leave_share(context, call.parameter("node")));
}

Result<ApiAnswer> usage(const Context& context, const ApiCall& call) {
    constexpr std::int64_t kUsual = 100;
    constexpr std::int64_t kMax = 1000;
    return answer_with(list_shared_usage(
        context, call.parameter("node"), call.query_integer("limit", kUsual, kMax)));
}

Result<ApiAnswer> grant(const Context& context, const ApiCall& call) {
    return answer_done(
        grant_share(context, call.parameter("node"), call.parameter("organization")));
}

}  // namespace

const std::vector<Endpoint>& share_endpoints() {
    using enum Permission;
    constexpr std::string_view kShare = "/v1/hybrid/nodes/{node}/shares/{organization}";
    static const std::vector<Endpoint> kEndpoints = {
        {"GET", "/v1/hybrid/nodes/{node}/shares", kSee, with_own_node<shares>},
        {"PUT", kShare, kChange, with_own_node<offer>},
        {"DELETE", kShare, kChange, with_own_node<end>},
        {"GET", "/v1/hybrid/shared-nodes", kSee, shared_nodes},
        {"GET", "/v1/hybrid/shared-nodes/{node}", kSee, shared_node},
        {"DELETE", "/v1/hybrid/shared-nodes/{node}", kChange, leave},
        {"PUT", "/v1/hybrid/shared-nodes/{node}/acceptance", kChange, accept},
        {"GET", "/v1/hybrid/shared-nodes/{node}/usage", kSee, usage},
        {"PUT", "/v1/shared-nodes/{node}/organizations/{organization}", kHub, grant},
    };
    return kEndpoints;
}

}  // namespace isthmus::hub
