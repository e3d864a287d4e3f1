#include "tools/hub/api/login.h"

#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/identity/password.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyBytesMax = 8192;

Error busy() {
    return {.code = ErrorCode::kUnavailable, .message = "the hub is busy; try again"};
}

Error bad_request(std::string what) {
    return {.code = ErrorCode::kInvalidArgument, .message = std::move(what)};
}

http::Response refusal(LoginRefusal why) {
    std::string_view need;
    std::string detail;
    switch (why) {
        case LoginRefusal::kWrong:
            detail = "The name, the password or the code is wrong.";
            break;
        case LoginRefusal::kCodeNeeded:
            need = "code";
            detail = "Add \"code\", the six digits that the authenticator shows.";
            break;
        case LoginRefusal::kPasswordExpired:
            need = "new_password";
            detail = "This is a one-time password: add \"new_password\".";
            break;
        case LoginRefusal::kPasswordsOff:
            detail =
                "Passwords are switched off; sign in through the identity provider: "
                "isthmusctl hub login --oidc.";
            break;
    }
    http::Response response =
        http::Response::json(401,
                             json::serialize(json::object{{"type", "about:blank"},
                                                          {"title", "Unauthorized"},
                                                          {"status", 401},
                                                          {"detail", detail},
                                                          {"need", need}}));
    response.headers.erase("Content-Type");
    response.headers.emplace("Content-Type", "application/problem+json");
    return response;
}

}  // namespace

struct LoginEndpoints::Attempt {
    std::string name;
    std::string password;
    std::string new_password;
    std::string remote;
    LoginAttempt login;
    http::Responder respond;
};

struct LoginEndpoints::PasswordChange {
    std::string token;
    std::string remote;
    std::string password;
    std::string new_password;
    std::string old_hash;
    std::string new_hash;
    bool good = false;
    http::Responder respond;
};

void LoginEndpoints::add_routes(http::Router& router) {
    router.add("POST", "/v1/login", [this](const http::Request& request, http::Responder respond) {
        log_in(request, std::move(respond));
    });
    router.add("PUT",
               "/v1/people/me/password",
               [this](const http::Request& request, http::Responder respond) {
                   change_own_password(request, std::move(respond));
               });
}

void LoginEndpoints::log_in(const http::Request& request, http::Responder respond) {
    const auto body = channel::parse_json(request.body, kBodyBytesMax);
    const auto name = body ? channel::text_field(*body, "name") : std::nullopt;
    const auto password = body ? channel::text_field(*body, "password") : std::nullopt;
    if (!name || !password) {
        respond(http::Response::problem(bad_request("the body needs \"name\" and \"password\"")));
        return;
    }
    auto attempt = std::make_shared<Attempt>();
    attempt->name = *name;
    attempt->password = *password;
    attempt->remote = request.remote_address;
    attempt->new_password = channel::text_field(*body, "new_password").value_or("");
    attempt->login.code = channel::text_field(*body, "code").value_or("");
    attempt->respond = std::move(respond);
    if (!attempt->new_password.empty()) {
        auto fault = fault_of_password(attempt->new_password, attempt->name);
        if (attempt->new_password == attempt->password) {
            fault = "the new password is the old one";
        }
        if (!fault.empty()) {
            attempt->respond(http::Response::problem(bad_request(std::move(fault))));
            return;
        }
    }
    work_->run<LoginAccount>(
        std::nullopt,
        [attempt](const Context& context) { return find_account(context, attempt->name); },
        [this, attempt](Result<LoginAccount> account) {
            if (!account) {
                attempt->respond(http::Response::problem(account.error()));
                return;
            }
            attempt->login.account = std::move(*account);
            check(attempt);
        });
}

void LoginEndpoints::check(const std::shared_ptr<Attempt>& attempt) {
    const bool taken = hashes_->run(
        [this, attempt] {
            LoginAttempt& login = attempt->login;
            login.password_good = password_matches(attempt->password, login.account.password_hash);
            if (login.password_good && !attempt->new_password.empty()) {
                login.new_password_hash = hash_password(attempt->new_password, work_->random());
            }
        },
        [this, attempt] { decide(attempt); });
    if (!taken) {
        attempt->respond(http::Response::problem(busy()));
    }
}

void LoginEndpoints::decide(const std::shared_ptr<Attempt>& attempt) {
    using Outcome = std::expected<Login, LoginRefusal>;
    Caller nobody;
    nobody.remote = attempt->remote;
    work_->run<Outcome>(
        nobody,
        [attempt](const Context& context) -> Result<Outcome> {
            return try_login(context, attempt->login);
        },
        [attempt](const Result<Outcome>& outcome) {
            if (!outcome) {
                attempt->respond(http::Response::problem(outcome.error()));
            } else if (!*outcome) {
                attempt->respond(refusal(outcome->error()));
            } else {
                http::Response response = http::Response::json(
                    200,
                    json::serialize(json::object{{"token", (*outcome)->token},
                                                 {"expires", timestamp((*outcome)->expires_s)}}));
                response.headers.emplace("Cache-Control", "no-store");
                attempt->respond(std::move(response));
            }
        });
}

void LoginEndpoints::change_own_password(const http::Request& request, http::Responder respond) {
    const auto body = channel::parse_json(request.body, kBodyBytesMax);
    const auto password = body ? channel::text_field(*body, "password") : std::nullopt;
    const auto wanted = body ? channel::text_field(*body, "new_password") : std::nullopt;
    if (!password || !wanted) {
        respond(http::Response::problem(
            bad_request("the body needs \"password\" and \"new_password\"")));
        return;
    }
    auto change = std::make_shared<PasswordChange>();
    change->token = request.bearer_token();
    change->remote = request.remote_address;
    change->password = *password;
    change->new_password = *wanted;
    change->respond = std::move(respond);
    work_->run<std::string>(
        std::nullopt,
        [change](const Context& context) -> Result<std::string> {
            const auto caller = find_caller(context, change->token);
            if (!caller || caller->person.empty()) {
                return make_error(ErrorCode::kUnauthenticated, "log in first");
            }
            if (auto fault = fault_of_password(change->new_password, caller->name);
                !fault.empty()) {
                return make_error(ErrorCode::kInvalidArgument, std::move(fault));
            }
            Context own = context;
            own.caller = &*caller;
            return own_password_hash(own);
        },
        [this, change](Result<std::string> hash) {
            if (!hash) {
                change->respond(http::Response::problem(hash.error()));
                return;
            }
            change->old_hash = std::move(*hash);
            check_change(change);
        });
}

void LoginEndpoints::check_change(const std::shared_ptr<PasswordChange>& change) {
    const auto write = [this, change] {
        work_->run<bool>(
            std::nullopt,
            [change](const Context& context) -> Result<bool> {
                auto caller = find_caller(context, change->token);
                if (!caller || !change->good) {
                    return make_error(ErrorCode::kPermissionDenied, "the password is wrong");
                }
                caller->remote = change->remote;
                Context own = context;
                own.caller = &*caller;
                const auto done = change_password(own, change->new_hash);
                return done ? Result<bool>(true) : std::unexpected(done.error());
            },
            [change](const Result<bool>& done) {
                change->respond(done ? http::Response{.status = 204, .headers = {}, .body = {}}
                                     : http::Response::problem(done.error()));
            });
    };
    const bool taken = hashes_->run(
        [this, change] {
            change->good = password_matches(change->password, change->old_hash);
            if (change->good) {
                change->new_hash = hash_password(change->new_password, work_->random());
            }
        },
        write);
    if (!taken) {
        change->respond(http::Response::problem(busy()));
    }
}

}  // namespace isthmus::hub
