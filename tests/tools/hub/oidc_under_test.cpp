#include "tests/tools/hub/oidc_under_test.h"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/http/server_target.h"
#include "tools/hub/oidc/providers.h"
#include "tools/hub/tenancy/audit.h"
#include "tools/hub/tenancy/organisations.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub::oidc {

namespace json = boost::json;

OidcUnderTest::OidcUnderTest() : master_(*MasterKey::from_text(std::string(43, 'A'))) {
    database_ = std::move(*Database::open(
        ":memory:", [this](std::move_only_function<void()> answer) { post(std::move(answer)); }));
    work_ = std::make_unique<Work>(*database_, master_, random_, [this] { return now_ms; });
    go_to_another_instance();
    administrator = {
        .organisation = {}, .person = {}, .name = "admin", .token = {}, .role = Role::kFull};
    const auto made = work_->run_now([this](const Context& context) -> Result<void> {
        administrator.organisation = *add_organisation(context, "One", {});
        administrator.person = *add_person(
            context,
            administrator.organisation,
            {.name = "admin", .role = Role::kFull, .is_operator = false, .password_hash = "none"});
        Context own = context;
        own.caller = &administrator;
        return put_provider(own,
                            {{"issuer", kIssuer},
                             {"clientId", "hub"},
                             {"clientSecret", "secret of the client"},
                             {"mapping",
                              {{"claim", "groups"},
                               {"rules", json::array{{{"value", "admins"}, {"role", "full"}}}},
                               {"otherwise", "support"}}}});
    });
    EXPECT_TRUE(made.has_value()) << made.error().message;
}

void OidcUnderTest::go_to_another_instance() {
    instances_.push_back(std::make_unique<OidcEndpoints>(
        *work_,
        [this](http::ClientRequest request, http::Client::Answer done) {
            post([this, request = std::move(request), done = std::move(done)]() mutable {
                done(answer(request));
            });
        },
        [] { return std::string("https://hub.test"); }));
    router_ = std::make_unique<http::Router>();
    instances_.back()->add_routes(*router_);
}

OidcUnderTest::~OidcUnderTest() {
    database_.reset();  // its thread posts to us
}

void OidcUnderTest::post(std::move_only_function<void()> job) {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(job));
    wake_.notify_one();
}

void OidcUnderTest::pump(const std::function<bool()>& done) {
    while (!done()) {
        std::move_only_function<void()> job;
        {
            std::unique_lock lock(mutex_);
            if (!wake_.wait_for(
                    lock, std::chrono::seconds(10), [this] { return !inbox_.empty(); })) {
                ADD_FAILURE() << "nothing happens";
                return;
            }
            job = std::move(inbox_.front());
            inbox_.pop_front();
        }
        job();
    }
}

http::Response OidcUnderTest::answer(const http::ClientRequest& request) {
    const std::string issuer = kIssuer;
    const auto reply = [](const json::value& body) {
        return http::Response{.status = 200, .headers = {}, .body = json::serialize(body)};
    };
    if (request.url == issuer + "/.well-known/openid-configuration") {
        return reply({{"issuer", issuer},
                      {"authorization_endpoint", issuer + "/auth"},
                      {"token_endpoint", issuer + "/token"},
                      {"userinfo_endpoint", issuer + "/me"},
                      {"jwks_uri", issuer + "/jwks"}});
    }
    if (request.url == issuer + "/jwks") {
        ++key_fetches;
        return {.status = 200, .headers = {}, .body = published_keys};
    }
    if (request.url == issuer + "/me") {
        return reply(userinfo.empty() ? json::object{{"sub", claims.at("sub")}} : userinfo);
    }
    last_token_request = request.body;
    json::object signed_claims = claims;
    signed_claims["iss"] = issuer;
    signed_claims["aud"] = "hub";
    signed_claims["nonce"] = nonce_;
    signed_claims["iat"] = now_ms / 1000;
    signed_claims["exp"] = now_ms / 1000 + 300;
    if (spoil) {
        spoil(signed_claims);
    }
    http::Response tokens =
        reply({{"id_token", signer.sign(signed_claims)}, {"access_token", "access"}});
    tokens.status = token_status;
    return tokens;
}

http::Response OidcUnderTest::ask(const std::string& method,
                                  const std::string& target,
                                  const json::value& body,
                                  const std::string& token) {
    auto parsed = http::parse_target(target);
    EXPECT_TRUE(parsed.has_value()) << target;
    http::Request request;
    request.method = method;
    request.path = std::move(parsed->path);
    request.query = std::move(parsed->query);
    request.remote_address = "192.0.2.1";
    if (!body.is_null()) {
        request.body = json::serialize(body);
    }
    if (!token.empty()) {
        request.headers.emplace("Authorization", "Bearer " + token);
    }
    std::optional<http::Response> response;
    router_->dispatch(std::move(request),
                      [&response](http::Response given) { response = std::move(given); });
    pump([&response] { return response.has_value(); });
    return response.value_or(http::Response{});
}

Begun OidcUnderTest::begin(const json::object& more) {
    json::object body = {{"organization", "One"},
                         {"challenge", challenge_of(kVerifier)},
                         {"returnTo", kReturnTo},
                         {"state", "mine"}};
    for (const auto& [name, value] : more) {
        body[name] = value;
    }
    const http::Response response = ask("POST", "/v1/oidc/sign-ins", body);
    EXPECT_EQ(response.status, 201U) << response.body;
    Begun begun{.url = std::string(json::parse(response.body).at("url").as_string()),
                .state = {},
                .nonce = {}};
    begun.state = query_field(begun.url, "state");
    begun.nonce = query_field(begun.url, "nonce");
    nonce_ = begun.nonce;
    return begun;
}

std::string OidcUnderTest::callback(const std::string& query) const {
    return "/v1/oidc/callback/" + administrator.organisation + query;
}

http::Response OidcUnderTest::come_back(const Begun& begun) {
    return ask("GET", callback("?code=provider-code&state=" + begun.state));
}

http::Response OidcUnderTest::redeem(const http::Response& redirect, const std::string& verifier) {
    const auto location = redirect.headers.find("Location");
    EXPECT_NE(location, redirect.headers.end()) << redirect.status << redirect.body;
    const std::string code =
        location == redirect.headers.end() ? "" : query_field(location->second, "code");
    return ask("POST", "/v1/oidc/tokens", {{"code", code}, {"verifier", verifier}});
}

http::Response OidcUnderTest::sign_in() {
    return redeem(come_back(begin()));
}

void OidcUnderTest::run(const std::function<void(const Context&)>& job) {
    bool done = false;
    work_->run<bool>(
        administrator,
        [&job](const Context& context) -> Result<bool> {
            job(context);
            return true;
        },
        [&done](const Result<bool>& /*outcome*/) { done = true; });
    pump([&done] { return done; });
}

json::value OidcUnderTest::who(const std::string& token) {
    json::value out;
    run([&](const Context& context) {
        if (const auto caller = find_caller(context, token)) {
            out = {
                {"name", caller->name}, {"role", to_string(caller->role)}, {"id", caller->person}};
        }
    });
    return out;
}

std::vector<std::string> OidcUnderTest::audit() {
    std::vector<std::string> out;
    run([&](const Context& context) {
        const json::value all = list_audit(context, 0, 100);
        for (const json::value& entry : all.at("items").as_array()) {
            std::string line(entry.at("action").as_string());
            const json::value& change = entry.at("new");
            if (change.is_object() && change.as_object().contains("why")) {
                line += ' ';
                line += change.at("why").as_string();
            }
            out.push_back(std::move(line));
        }
    });
    return out;
}

std::string query_field(const std::string& url, const std::string& name) {
    const std::size_t question = url.find('?');
    const auto parsed = question == std::string::npos
                            ? std::nullopt
                            : http::parse_target("/" + url.substr(question));
    const auto found = parsed ? parsed->query.find(name) : decltype(parsed->query.find(name)){};
    return parsed && found != parsed->query.end() ? found->second : "";
}

}  // namespace isthmus::hub::oidc
