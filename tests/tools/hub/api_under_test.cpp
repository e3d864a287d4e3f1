#include "tests/tools/hub/api_under_test.h"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "base/http/message.h"
#include "control-agent/channel/enrollment.h"
#include "tools/hub/fleet/enrollments.h"
#include "tools/hub/fleet/nonces.h"
#include "tools/hub/store/schema.h"
#include "tools/hub/tenancy/organisations.h"
#include "tools/hub/tenancy/people.h"

namespace isthmus::hub {

namespace json = boost::json;

std::string fill_path(std::string_view path, const std::map<std::string, std::string>& places) {
    std::string filled(path);
    for (const auto& [hole, id] : places) {
        if (const auto at = filled.find(hole); at != std::string::npos) {
            filled.replace(at, hole.size(), id);
        }
    }
    return filled;
}

ApiUnderTest::ApiUnderTest(const std::string& database)
    : master_(*MasterKey::from_text(std::string(43, 'A'))) {
    database_ = std::move(
        *Database::open(database.empty() ? (folder_.path() / "hub.db").string() : database,
                        [](std::move_only_function<void()> /*answer*/) {}));
    EXPECT_TRUE(run(nullptr, [&](const Context& context) -> Result<void> {
                    auto keyring = load_keyring(context);
                    keyring_ = keyring ? *keyring : nullptr;
                    return {};
                }).has_value());
}

Result<void> ApiUnderTest::run(const Caller* caller,
                               const std::function<Result<void>(const Context&)>& job) {
    return database_->run_now([&](Sql& sql) {
        return job({.sql = &sql,
                    .caller = caller,
                    .now_ms = now_ms,
                    .random = &random_,
                    .master = &master_});
    });
}

Caller ApiUnderTest::add_organisation(const std::string& name) {
    Caller caller{.role = Role::kFull, .remote = "192.0.2.1"};
    caller.name = "admin of " + name;
    EXPECT_TRUE(run(nullptr, [&](const Context& context) -> Result<void> {
                    caller.organisation = *hub::add_organisation(context, name, {});
                    caller.person = *add_person(context,
                                                caller.organisation,
                                                {.name = caller.name,
                                                 .role = Role::kFull,
                                                 .is_operator = false,
                                                 .password_hash = "none"});
                    return {};
                }).has_value());
    return caller;
}

Result<ApiAnswer> ApiUnderTest::call(const Caller& caller,
                                     const std::string& method,
                                     const std::string& path,
                                     const json::value& body) {
    // The router finds the endpoint as it does in the hub.
    http::Router router;
    const Endpoint* found = nullptr;
    ApiCall call{.parameters = {},
                 .query = {},
                 .body = body,
                 .url = "https://hub.test",
                 .keyring = keyring_,
                 .password_hash = "hash"};
    for (const Endpoint* endpoint : all_endpoints()) {
        router.add(endpoint->method,
                   endpoint->path,
                   [&, endpoint](const http::Request& request, const http::Responder& /*respond*/) {
                       found = endpoint;
                       call.parameters = request.parameters;
                   });
    }
    http::Request request;
    request.method = method;
    request.path = path;
    router.dispatch(std::move(request), [](const http::Response& /*response*/) {});
    if (found == nullptr) {
        return make_error(ErrorCode::kNotFound, "no such endpoint");
    }
    if (!caller.may(found->permission)) {
        return make_error(ErrorCode::kPermissionDenied, "the role may not");
    }
    ApiAnswer answer;
    const auto done = run(&caller, [&](const Context& context) -> Result<void> {
        auto result = found->run(context, call);
        if (!result) {
            return std::unexpected(result.error());
        }
        answer = std::move(*result);
        return {};
    });
    return done ? Result<ApiAnswer>(std::move(answer)) : std::unexpected(done.error());
}

json::value ApiUnderTest::body_of(const Caller& caller,
                                  const std::string& method,
                                  const std::string& path,
                                  const json::value& body) {
    const auto answer = call(caller, method, path, body);
    EXPECT_TRUE(answer.has_value())
        << method << ' ' << path << ": " << (answer ? "" : answer.error().message);
    return answer ? answer->body : json::value(json::object());
}

std::string ApiUnderTest::add_node(const Caller& caller,
                                   const std::string& cluster,
                                   const std::string& name) {
    const json::value made = body_of(caller, "POST", "/v1/hybrid/codes", {{"cluster", cluster}});
    const auto code = channel::read_code(std::string(made.at("code").as_string()));
    const auto key = channel::SigningKey::generate(random_);
    const auto sealing_key = channel::ExchangeKey::generate(random_);
    const channel::EnrollmentHello hello{
        .key = keyring_->identity.key.public_key(),
        .nonce = issue_nonce(keyring_->nonce_key, random_, now_ms / 1000),
        .unix_s = now_ms / 1000};
    const auto request = channel::read_enroll(channel::write_enroll(
        *code, hello, {.name = name, .key = &key, .sealing_key = &sealing_key, .versions = {}}));
    std::string node;
    EXPECT_TRUE(run(nullptr, [&](const Context& context) -> Result<void> {
                    const auto answer = enroll(context, *keyring_, *request);
                    if (!answer) {
                        return std::unexpected(answer.error().error);
                    }
                    node = channel::read_enrolled(*answer, hello, key.public_key())->node;
                    return {};
                }).has_value());
    return node;
}

namespace {

// A line for each; nothing of tables that no organisation owns.
std::string rows_of(const Context& context,
                    const TableColumns& table,
                    const std::string& organisation) {
    if (std::ranges::find(table.columns, "organisation") == table.columns.end()) {
        return {};
    }
    std::string out;
    for (const SqlRow& row : context.sql->select(
             table.columns, "from " + table.name + " where organisation = ?", {organisation})) {
        out += table.name;
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += '|' + row.text(i);
        }
        out += '\n';
    }
    return out;
}

}  // namespace

std::string ApiUnderTest::dump(const std::string& organisation) {
    std::string out;
    EXPECT_TRUE(run(nullptr, [&](const Context& context) -> Result<void> {
                    for (const TableColumns& table : backed_up_tables()) {
                        out += rows_of(context, table, organisation);
                    }
                    return {};
                }).has_value());
    return out;
}

}  // namespace isthmus::hub
