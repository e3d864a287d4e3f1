#include "tests/fuzz/hub_under_test.h"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>

#include "base/check.h"
#include "control-agent/channel/enrollment.h"
#include "control-agent/channel/json_fields.h"
#include "tools/hub/fleet/clusters.h"
#include "tools/hub/fleet/configurations.h"
#include "tools/hub/fleet/enrollments.h"
#include "tools/hub/fleet/nonces.h"
#include "tools/hub/fleet/services.h"
#include "tools/hub/oidc/accounts.h"
#include "tools/hub/store/schema.h"
#include "tools/hub/tenancy/organisations.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNowMs = 1'800'000'000'000;
constexpr std::size_t kBodyBytesMax = 8192;

std::unexpected<Error> undone() {
    return make_error(ErrorCode::kConflict, "nothing of it is to stay");
}

}  // namespace

HubUnderTest::HubUnderTest() : master_(*MasterKey::from_text(std::string(43, 'A'))) {
    auto opened =
        Database::open(":memory:", [](const std::move_only_function<void()>& /*answer*/) {});
    CHECK(opened.has_value());
    database_ = std::move(*opened);
    others_mark_ = random_.next_token(20);
    const auto done = database_->run_now([&](Sql& sql) -> Result<void> {
        const Context context{.sql = &sql,
                              .caller = nullptr,
                              .now_ms = kNowMs,
                              .random = &random_,
                              .master = &master_};
        auto keyring = load_keyring(context);
        CHECK(keyring.has_value());
        keyring_ = *keyring;
        fill_organisation(context, {.prefix = "", .mark = "own"});
        fill_organisation(context, {.prefix = "other.", .mark = others_mark_});
        sql.run("update people set must_change = 0");  // they have chosen their passwords
        return {};
    });
    CHECK(done.has_value());
    add_tables_routes();
    add_other_routes();
}

void HubUnderTest::fill_organisation(const Context& anonymous, const Organisation& organisation) {
    const auto id = add_organisation(anonymous, organisation.mark, {});
    CHECK(id.has_value());
    const bool other = !organisation.prefix.empty();
    if (other) {
        others_ = *id;
    }
    const auto note = [&](const char* name, std::string value) {
        ids_[organisation.prefix + name] = std::move(value);
    };
    Caller caller{.organisation = *id,
                  .person = {},
                  .name = organisation.mark,
                  .token = {},
                  .role = Role::kFull};
    Context context = anonymous;
    context.caller = &caller;
    for (const char* who : {"full", "readonly", "support", "operator"}) {
        const bool operating = std::string_view(who) == "operator";
        const auto person = add_person(context,
                                       *id,
                                       {.name = organisation.mark + "-" + who,
                                        .role = operating ? Role::kFull : *parse_role(who),
                                        .is_operator = operating && !other,
                                        .password_hash = "none"});
        CHECK(person.has_value());
        if (!other) {
            tokens_[who] = begin_session(context, *id, *person).token;
        } else if (std::string_view(who) == "full") {
            tokens_["other"] = begin_session(context, *id, *person).token;
        }
        note("person", *person);
    }
    const auto script = add_token(context, organisation.mark, Role::kFull, 1);
    CHECK(script.has_value());
    note("token", script->id);
    if (!other) {
        tokens_["script"] = script->token;
    }
    note("organization", *id);
    const auto cluster = add_cluster(context, organisation.mark);
    CHECK(cluster.has_value());
    const std::string cluster_id(cluster->at("id").as_string());
    note("cluster", cluster_id);
    const std::string node = add_node(context, cluster_id);
    note("node", node);
    const auto service = activate_service(context, node, "calendar", json::object());
    CHECK(service.has_value());
    note("command", std::string(service->at("command").as_string()));
    std::vector<std::string> wake;
    CHECK(put_configuration(context,
                            {.scope = ConfigurationScope::kNode, .id = node},
                            {.programs = {{"connector", {{"mark", organisation.mark}}}}},
                            wake)
              .has_value());
    const auto code = add_code(
        context, *keyring_, {.cluster = cluster_id, .minutes = 60, .url = "https://hub.test"});
    CHECK(code.has_value());
    note("code", std::string(code->at("id").as_string()));
}

std::string HubUnderTest::add_node(const Context& context, const std::string& cluster) {
    const auto made = add_code(
        context, *keyring_, {.cluster = cluster, .minutes = 60, .url = "https://hub.test"});
    CHECK(made.has_value());
    const auto code = channel::read_code(std::string(made->at("code").as_string()));
    const auto key = channel::SigningKey::generate(random_);
    const auto sealing_key = channel::ExchangeKey::generate(random_);
    const channel::EnrollmentHello hello{
        .key = keyring_->identity.key.public_key(),
        .nonce = issue_nonce(keyring_->nonce_key, random_, kNowMs / 1000),
        .unix_s = kNowMs / 1000};
    const auto request =
        channel::read_enroll(channel::write_enroll(*code,
                                                   hello,
                                                   {.name = "node-" + context.caller->name,
                                                    .key = &key,
                                                    .sealing_key = &sealing_key,
                                                    .versions = {}}));
    CHECK(request.has_value());
    const auto answer = enroll(context, *keyring_, *request);
    CHECK(answer.has_value());
    return channel::read_enrolled(*answer, hello, key.public_key())->node;
}

void HubUnderTest::add_tables_routes() {
    for (const Endpoint* endpoint : all_endpoints()) {
        router_.add(endpoint->method,
                    endpoint->path,
                    [this, endpoint](const http::Request& request, http::Responder respond) {
                        answer_ = answer(*endpoint, request);
                        respond(http::Response::text(200, ""));
                    });
    }
}

Result<ApiAnswer> HubUnderTest::answer(const Endpoint& endpoint, const http::Request& request) {
    auto call = read_call(request);
    if (!call) {
        return std::unexpected(call.error());
    }
    call->url = "https://hub.test";
    call->keyring = keyring_;
    call->password_hash = "hash";
    return run_call(*context_,
                    endpoint,
                    {.token = std::string(request.bearer_token()), .remote = "192.0.2.1"},
                    *call);
}

// Those whose slow hashes keep them out of the tables, without the hashes: a password is right
// where it says so.
void HubUnderTest::add_other_routes() {
    router_.add("POST", "/v1/login", [this](const http::Request& request, http::Responder respond) {
        const auto body = channel::parse_json(request.body, kBodyBytesMax);
        const auto name = body ? channel::text_field(*body, "name") : std::nullopt;
        const auto account = name ? find_account(*context_, *name)
                                  : make_error(ErrorCode::kInvalidArgument, "no name");
        if (account) {
            const auto login = try_login(
                *context_,
                {.account = *account,
                 .password_good = channel::text_field(*body, "password") == "right",
                 .code = channel::text_field(*body, "code").value_or(""),
                 .new_password_hash = channel::text_field(*body, "new_password").value_or("")});
            CHECK(!login || !login->token.empty());
        }
        answer_ = account ? Result<ApiAnswer>(ApiAnswer{.status = 200, .body = nullptr})
                          : std::unexpected(account.error());
        respond(http::Response::text(200, ""));
    });
    router_.add(
        "POST", "/v1/oidc/tokens", [this](const http::Request& request, http::Responder respond) {
            const auto body = channel::parse_json(request.body, kBodyBytesMax);
            if (body) {
                const auto login = oidc::redeem_sign_in_code(
                    *context_,
                    {.code = channel::text_field(*body, "code").value_or(""),
                     .verifier = channel::text_field(*body, "verifier").value_or("")});
                CHECK(!login || !login->token.empty());
            }
            answer_ = ApiAnswer{.status = 200, .body = nullptr};
            respond(http::Response::text(200, ""));
        });
    router_.add(
        "POST", "/v1/enroll", [this](const http::Request& request, http::Responder respond) {
            if (const auto read = channel::read_enroll(request.body)) {
                const auto outcome = enroll(*context_, *keyring_, *read);
                CHECK(outcome || !outcome.error().step.empty());
            }
            answer_ = ApiAnswer{.status = 200, .body = nullptr};
            respond(http::Response::text(200, ""));
        });
    router_.add("POST", "/v1/renew", [this](const http::Request& request, http::Responder respond) {
        if (const auto read = channel::read_renew(request.body)) {
            const auto outcome = renew(*context_, *keyring_, *read);
            CHECK(outcome || !outcome.error().step.empty());
        }
        answer_ = ApiAnswer{.status = 200, .body = nullptr};
        respond(http::Response::text(200, ""));
    });
}

void HubUnderTest::run(const std::function<void(const Context&)>& requests) {
    // Anew for each input, so that it does the same every time.
    SeededRandom random(11);
    const auto done = database_->run_now([&](Sql& sql) -> Result<void> {
        requests({.sql = &sql,
                  .caller = nullptr,
                  .now_ms = kNowMs,
                  .random = &random,
                  .master = &master_});
        return undone();
    });
    CHECK(!done && done.error().code == ErrorCode::kConflict);
}

std::optional<Result<ApiAnswer>> HubUnderTest::call(const Context& context, http::Request request) {
    Sql& sql = *context.sql;
    context_ = &context;
    answer_.reset();
    sql.run("savepoint job");
    router_.dispatch(std::move(request), [](const http::Response& /*response*/) {});
    if (sql.fault()) {
        answer_ = std::unexpected(*sql.fault());
    }
    if (answer_ && !*answer_) {
        sql.clear_fault();
        sql.run("rollback to savepoint job");
    }
    sql.run("release savepoint job");
    CHECK(!sql.fault());
    return std::exchange(answer_, std::nullopt);
}

std::string HubUnderTest::fill(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
        const std::size_t begin = text.find('@');
        const std::size_t end = begin == std::string_view::npos ? begin : text.find('@', begin + 1);
        if (end == std::string_view::npos) {
            break;
        }
        out += text.substr(0, begin);
        const auto id = ids_.find(text.substr(begin + 1, end - begin - 1));
        if (id == ids_.end()) {
            out += text.substr(begin, end - begin);  // the second '@' may begin a place
            text.remove_prefix(end);
            continue;
        }
        out += id->second;
        text.remove_prefix(end + 1);
    }
    return out.append(text);
}

std::string HubUnderTest::others_rows(const Context& context) const {
    std::string out;
    for (const TableColumns& table : backed_up_tables()) {
        if (std::ranges::find(table.columns, "organisation") == table.columns.end()) {
            continue;
        }
        for (const SqlRow& row : context.sql->select(
                 table.columns, "from " + table.name + " where organisation = ?", {others_})) {
            out += table.name;
            for (std::size_t i = 0; i < row.size(); ++i) {
                out += '|' + row.text(i);
            }
            out += '\n';
        }
    }
    return out;
}

}  // namespace isthmus::hub
