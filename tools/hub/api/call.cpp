#include "tools/hub/api/call.h"

#include <utility>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

constexpr std::size_t kBodyBytesMax = 256UL * 1024;

std::unexpected<Error> unknown_caller() {
    return make_error(ErrorCode::kUnauthenticated,
                      "the token is none of this hub's, or ran out; log in again");
}

std::unexpected<Error> not_allowed(const Caller& caller, Permission permission) {
    if (permission == Permission::kHub) {
        return make_error(ErrorCode::kPermissionDenied,
                          "only operators of the hub may do this; log in as one");
    }
    return make_error(ErrorCode::kPermissionDenied,
                      "the role \"" + std::string(to_string(caller.role)) + "\" may not do this");
}

}  // namespace

Result<ApiCall> read_call(const http::Request& request) {
    if (request.bearer_token().empty()) {
        return unknown_caller();
    }
    ApiCall call{.parameters = request.parameters,
                 .query = request.query,
                 .body = nullptr,
                 .url = {},
                 .keyring = nullptr,
                 .password_hash = {}};
    if (!request.body.empty()) {
        auto body = channel::parse_json(request.body, kBodyBytesMax);
        if (!body || !body->is_object()) {
            return make_error(ErrorCode::kInvalidArgument, "the body is no JSON object");
        }
        call.body = std::move(*body);
    }
    return call;
}

Result<Caller> find_permitted(const Context& anonymous,
                              const Endpoint& endpoint,
                              const CallerProof& proof) {
    auto caller = find_caller(anonymous, proof.token);
    if (!caller) {
        return unknown_caller();
    }
    caller->remote = proof.remote;
    if (!caller->may(endpoint.permission)) {
        return not_allowed(*caller, endpoint.permission);
    }
    return std::move(*caller);
}

Result<ApiAnswer> run_call(const Context& anonymous,
                           const Endpoint& endpoint,
                           const CallerProof& proof,
                           const ApiCall& call) {
    const auto caller = find_permitted(anonymous, endpoint, proof);
    if (!caller) {
        return std::unexpected(caller.error());
    }
    // The public API lets callers name an organisation; theirs is the only one that is there.
    const std::string organisation = call.query_text("orgId");
    if (!organisation.empty() && organisation != caller->organisation) {
        return make_error(ErrorCode::kNotFound, "there is no such organisation");
    }
    Context context = anonymous;
    context.caller = &*caller;
    return endpoint.run(context, call);
}

}  // namespace isthmus::hub
