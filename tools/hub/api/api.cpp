#include "tools/hub/api/api.h"

#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/identity/password.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyBytesMax = 256UL * 1024;
constexpr std::size_t kOneTimeCharacters = 20;

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

Result<ApiAnswer> run_as_caller(const Context& anonymous,
                                const Endpoint& endpoint,
                                const std::string& token,
                                const std::string& remote,
                                const ApiCall& call) {
    auto caller = find_caller(anonymous, token);
    if (!caller) {
        return unknown_caller();
    }
    caller->remote = remote;
    if (!caller->may(endpoint.permission)) {
        return not_allowed(*caller, endpoint.permission);
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

}  // namespace

void Api::add_routes(http::Router& router) {
    for (const auto* endpoints : {&tenancy_endpoints(), &fleet_endpoints(), &node_endpoints()}) {
        for (const Endpoint& endpoint : *endpoints) {
            router.add(endpoint.method,
                       endpoint.path,
                       [this, &endpoint](const http::Request& request, http::Responder respond) {
                           handle(endpoint, request, std::move(respond));
                       });
        }
    }
}

void Api::handle(const Endpoint& endpoint, const http::Request& request, http::Responder respond) {
    ++counters_.calls;
    auto pending = std::make_shared<Pending>();
    pending->endpoint = &endpoint;
    pending->token = request.bearer_token();
    pending->remote = request.remote_address;
    pending->respond = std::move(respond);
    pending->call = {.parameters = request.parameters,
                     .query = request.query,
                     .body = nullptr,
                     .url = url_,
                     .keyring = effects_.keyring(),
                     .password_hash = {}};
    if (pending->token.empty()) {
        finish(*pending, unknown_caller());
        return;
    }
    if (!request.body.empty()) {
        auto body = channel::parse_json(request.body, kBodyBytesMax);
        if (!body || !body->is_object()) {
            finish(*pending, make_error(ErrorCode::kInvalidArgument, "the body is no JSON object"));
            return;
        }
        pending->call.body = std::move(*body);
    }
    if (endpoint.makes_password) {
        make_password(pending);
    } else {
        run(pending);
    }
}

void Api::make_password(const std::shared_ptr<Pending>& pending) {
    // Only for who may: a hash is dear.
    Work& work = *work_;
    work.run<bool>(
        std::nullopt,
        [pending](const Context& context) -> Result<bool> {
            const auto caller = find_caller(context, pending->token);
            if (!caller) {
                return unknown_caller();
            }
            if (!caller->may(pending->endpoint->permission)) {
                return not_allowed(*caller, pending->endpoint->permission);
            }
            return true;
        },
        [this, pending](const Result<bool>& allowed) {
            if (!allowed) {
                finish(*pending, std::unexpected(allowed.error()));
                return;
            }
            pending->one_time_password = work_->random().next_token(kOneTimeCharacters);
            const bool taken = hashes_->run(
                [this, pending] {
                    pending->call.password_hash =
                        hash_password(pending->one_time_password, work_->random());
                },
                [this, pending] { run(pending); });
            if (!taken) {
                finish(*pending, make_error(ErrorCode::kUnavailable, "the hub is busy; try again"));
            }
        });
}

void Api::run(const std::shared_ptr<Pending>& pending) {
    work_->run<ApiAnswer>(
        std::nullopt,
        [pending](const Context& context) {
            return run_as_caller(
                context, *pending->endpoint, pending->token, pending->remote, pending->call);
        },
        [this, pending](Result<ApiAnswer> answer) { finish(*pending, std::move(answer)); });
}

void Api::finish(Pending& pending, Result<ApiAnswer> answer) {
    if (!answer) {
        ++counters_.calls_failed;
        pending.respond(http::Response::problem(answer.error()));
        return;
    }
    if (answer->keys_changed) {
        effects_.reload_keys();
    }
    for (const std::string& node : answer->cut) {
        effects_.cut(node);
    }
    for (const std::string& node : answer->wake) {
        effects_.wake(node);
    }
    if (answer->body.is_null()) {
        pending.respond({.status = 204, .headers = {}, .body = {}});
        return;
    }
    if (!pending.one_time_password.empty()) {
        answer->body.as_object()["oneTimePassword"] = pending.one_time_password;
    }
    http::Response response = http::Response::json(answer->status, json::serialize(answer->body));
    response.headers.emplace("Cache-Control", "no-store");
    pending.respond(std::move(response));
}

}  // namespace isthmus::hub
