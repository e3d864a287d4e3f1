#include "tools/hub/api/api.h"

#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "tools/hub/identity/password.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kOneTimeCharacters = 20;

}  // namespace

void Api::add_routes(http::Router& router) {
    for (const Endpoint* endpoint : all_endpoints()) {
        router.add(endpoint->method,
                   endpoint->path,
                   [this, endpoint](const http::Request& request, http::Responder respond) {
                       handle(*endpoint, request, std::move(respond));
                   });
    }
}

void Api::handle(const Endpoint& endpoint, const http::Request& request, http::Responder respond) {
    ++counters_.calls;
    auto pending = std::make_shared<Pending>();
    pending->endpoint = &endpoint;
    pending->proof = {.token = std::string(request.bearer_token()),
                      .remote = request.remote_address};
    pending->respond = std::move(respond);
    auto call = read_call(request);
    if (!call) {
        finish(*pending, std::unexpected(call.error()));
        return;
    }
    pending->call = std::move(*call);
    pending->call.url = url_;
    pending->call.keyring = effects_.keyring();
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
            const auto caller = find_permitted(context, *pending->endpoint, pending->proof);
            return caller ? Result<bool>(true) : std::unexpected(caller.error());
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
            return run_call(context, *pending->endpoint, pending->proof, pending->call);
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
