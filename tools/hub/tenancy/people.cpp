#include "tools/hub/tenancy/people.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

#include "tools/hub/identity/totp.h"
#include "tools/hub/tenancy/audit.h"
#include "tools/hub/tenancy/organisations.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

// Argon2id of something that nobody knows, with our parameters.
constexpr const char* kNobodysHash =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
// A secret that was offered and not yet confirmed.
constexpr std::string_view kOffered = "offered:";

std::string totp_context(const std::string& person) {
    return "people.totp:" + person;
}

std::unexpected<Error> nobody() {
    return make_error(ErrorCode::kNotFound, "there is no such person");
}

std::optional<SqlRow> find_person(const Context& context, const std::string& id) {
    return context.sql->find({"name", "role", "operator", "password", "totp", "totp_step"},
                             "from people where id = ? and organisation = ?",
                             {id, context.caller->organisation});
}

bool is_last_administrator(const Context& context, const std::string& id) {
    return !context.sql
                ->find({"id"},
                       "from people where organisation = ? and role = 'full' and id <> ?",
                       {context.caller->organisation, id})
                .has_value();
}

// Has the organisation switched passwords off, and not for this person?
bool passwords_off(const Context& context, const std::string& organisation, const std::string& id) {
    return context.sql
        ->find({"organisation"},
               "from identity_providers where organisation = ? and passwords = 'emergency' and "
               "emergency <> ?",
               {organisation, id})
        .has_value();
}

// What may not be taken from whom: who is left must be able to put things right.
Result<void> check_dispensable(const Context& context, const std::string& id) {
    if (is_emergency_administrator(context, context.caller->organisation, id)) {
        return make_error(ErrorCode::kConflict,
                          "this is the emergency administrator; let passwords count for everybody "
                          "again, or name another, first");
    }
    if (is_last_administrator(context, id)) {
        return make_error(ErrorCode::kConflict,
                          "this is the organisation's last full administrator; make another first");
    }
    return {};
}

void count_failure(const Context& context, const LoginAccount& account) {
    const auto row = context.sql->find({"failures"}, "from people where id = ?", {account.id});
    if (!row) {
        return;
    }
    const std::int64_t failures = row->integer(0) + 1;
    std::int64_t locked_until_s = 0;
    if (failures >= kFailuresMax) {
        constexpr std::int64_t kShiftMax = 10;
        const std::int64_t shift = std::min(failures - kFailuresMax, kShiftMax);
        locked_until_s = context.now_s() + std::min(kLockSeconds << shift, kLockSecondsMax);
    }
    context.sql->run("update people set failures = ?, locked_until_s = ? where id = ?",
                     {failures, locked_until_s, account.id});
    if (failures >= kFailuresMax) {
        record_as(context,
                  account.organisation,
                  "isthmus-hub",
                  {.action = "person.lock",
                   .object = account.id,
                   .new_value = {{"failures", failures}, {"untilS", locked_until_s}}});
    }
}

}  // namespace

Result<std::string> add_person(const Context& context,
                               const std::string& organisation,
                               const NewPerson& person) {
    if (auto fault = fault_of_name(person.name); !fault.empty()) {
        return make_error(ErrorCode::kInvalidArgument, std::move(fault));
    }
    if (auto room = check_quota(context, organisation, "people"); !room) {
        return std::unexpected(room.error());
    }
    std::string id = context.new_id();
    context.sql->run(
        "insert into people(id, organisation, name, role, operator, password, must_change, totp, "
        "totp_step, failures, locked_until_s, created_s) "
        "values(?, ?, ?, ?, ?, ?, 1, '', 0, 0, 0, ?)",
        {id,
         organisation,
         person.name,
         std::string(to_string(person.role)),
         std::int64_t{person.is_operator ? 1 : 0},
         person.password_hash,
         context.now_s()});
    record_as(context,
              organisation,
              context.caller != nullptr ? context.caller->name : "isthmus-hub",
              {.action = "person.add",
               .object = id,
               .new_value = {{"name", person.name}, {"role", to_string(person.role)}}});
    return id;
}

json::value list_people(const Context& context) {
    json::array items;
    for (const SqlRow& row :
         context.sql->select({"id",
                              "name",
                              "role",
                              "operator",
                              "totp",
                              "must_change",
                              "locked_until_s",
                              "(select count(*) from identities i where i.person = people.id)"},
                             "from people where organisation = ? order by name",
                             {context.caller->organisation})) {
        items.push_back(
            {{"id", row.text(0)},
             {"name", row.text(1)},
             {"role", row.text(2)},
             {"operator", row.integer(3) != 0},
             {"authenticator", !row.text(4).empty() && !row.text(4).starts_with(kOffered)},
             {"oneTimePassword", row.integer(5) != 0},
             {"locked", row.integer(6) > context.now_s()},
             {"identityProvider", row.integer(7) != 0}});
    }
    return json::value{{"items", std::move(items)}};
}

Result<void> set_role(const Context& context, const std::string& id, Role role) {
    const auto old = find_person(context, id);
    if (!old) {
        return nobody();
    }
    if (role != Role::kFull) {
        if (auto may = check_dispensable(context, id); !may) {
            return may;
        }
    }
    context.sql->run("update people set role = ? where id = ? and organisation = ?",
                     {std::string(to_string(role)), id, context.caller->organisation});
    record(context,
           {.action = "person.role",
            .object = id,
            .old_value = json::value(old->text(1)),
            .new_value = json::value(to_string(role))});
    return {};
}

Result<void> remove_person(const Context& context, const std::string& id) {
    const auto old = find_person(context, id);
    if (!old) {
        return nobody();
    }
    if (auto may = check_dispensable(context, id); !may) {
        return may;
    }
    end_sessions_of(context, id);
    context.sql->run("delete from identities where person = ?", {id});
    context.sql->run("delete from people where id = ? and organisation = ?",
                     {id, context.caller->organisation});
    record(context,
           {.action = "person.remove",
            .object = id,
            .old_value = {{"name", old->text(0)}, {"role", old->text(1)}}});
    return {};
}

Result<void> reset_password(const Context& context,
                            const std::string& id,
                            const std::string& password_hash) {
    if (!find_person(context, id)) {
        return nobody();
    }
    end_sessions_of(context, id);
    context.sql->run(
        "update people set password = ?, must_change = 1, totp = '', totp_step = 0, failures = 0, "
        "locked_until_s = 0 where id = ? and organisation = ?",
        {password_hash, id, context.caller->organisation});
    record(context, {.action = "person.reset", .object = id});
    return {};
}

std::string no_password() {
    return kNobodysHash;
}

bool is_emergency_administrator(const Context& context,
                                const std::string& organisation,
                                const std::string& id) {
    return context.sql
        ->find({"organisation"},
               "from identity_providers where organisation = ? and emergency = ?",
               {organisation, id})
        .has_value();
}

Result<LoginAccount> find_account(const Context& context, const std::string& name) {
    const auto row = context.sql->find(
        {"id", "organisation", "password", "locked_until_s"}, "from people where name = ?", {name});
    if (!row) {
        return LoginAccount{.id = {}, .organisation = {}, .password_hash = kNobodysHash};
    }
    if (row->integer(3) > context.now_s()) {
        return make_error(ErrorCode::kLimitExceeded,
                          fmt::format("there were too many wrong passwords; try again in {} s",
                                      row->integer(3) - context.now_s()));
    }
    return LoginAccount{
        .id = row->text(0), .organisation = row->text(1), .password_hash = row->text(2)};
}

std::expected<Login, LoginRefusal> try_login(const Context& context, const LoginAttempt& attempt) {
    const LoginAccount& account = attempt.account;
    const auto row = context.sql->find(
        {"must_change", "totp", "totp_step", "locked_until_s", "password", "name"},
        "from people where id = ?",
        {account.id});
    // Others may have tried since the hash began.
    if (!row || row->integer(3) > context.now_s() || row->text(4) != account.password_hash) {
        return std::unexpected(LoginRefusal::kWrong);
    }
    if (!attempt.password_good) {
        count_failure(context, account);
        return std::unexpected(LoginRefusal::kWrong);
    }
    std::int64_t step = row->integer(2);
    if (const std::string totp = row->text(1); !totp.empty() && !totp.starts_with(kOffered)) {
        if (attempt.code.empty()) {
            return std::unexpected(LoginRefusal::kCodeNeeded);
        }
        const auto secret = context.master->open(totp_context(account.id), totp);
        const auto good =
            secret ? check_totp(*secret, attempt.code, context.now_s(), step) : std::nullopt;
        if (!good) {
            count_failure(context, account);
            return std::unexpected(LoginRefusal::kWrong);
        }
        step = *good;
    }
    if (passwords_off(context, account.organisation, account.id)) {
        return std::unexpected(LoginRefusal::kPasswordsOff);
    }
    if (row->integer(0) != 0 && attempt.new_password_hash.empty()) {
        return std::unexpected(LoginRefusal::kPasswordExpired);
    }
    if (!attempt.new_password_hash.empty()) {
        end_sessions_of(context, account.id);
        context.sql->run("update people set password = ?, must_change = 0 where id = ?",
                         {attempt.new_password_hash, account.id});
    }
    context.sql->run(
        "update people set failures = 0, locked_until_s = 0, totp_step = ? where id = ?",
        {step, account.id});
    const NewToken session = begin_session(context, account.organisation, account.id);
    record_as(context,
              account.organisation,
              row->text(5),
              {.action = "person.login", .object = account.id});
    return Login{.token = session.token, .expires_s = session.expires_s};
}

Result<void> change_password(const Context& context, const std::string& new_password_hash) {
    if (context.caller->person.empty()) {
        return make_error(ErrorCode::kPermissionDenied, "an API token has no password");
    }
    context.sql->run("update people set password = ?, must_change = 0 where id = ?",
                     {new_password_hash, context.caller->person});
    context.sql->run("delete from tokens where person = ? and id <> ?",
                     {context.caller->person, context.caller->token});
    record(context, {.action = "person.password", .object = context.caller->person});
    return {};
}

Result<std::string> own_password_hash(const Context& context) {
    const auto row = find_person(context, context.caller->person);
    return row ? Result<std::string>(row->text(3)) : nobody();
}

Result<json::value> offer_authenticator(const Context& context) {
    const std::string& person = context.caller->person;
    const auto row = find_person(context, person);
    if (!row) {
        return make_error(ErrorCode::kPermissionDenied, "an API token has no authenticator");
    }
    if (!row->text(4).empty() && !row->text(4).starts_with(kOffered)) {
        return make_error(ErrorCode::kConflict,
                          "there is an authenticator already; remove it first");
    }
    const std::string secret = make_totp_secret(*context.random);
    context.sql->run("update people set totp = ? where id = ?",
                     {std::string(kOffered) +
                          context.master->seal(*context.random, totp_context(person), secret),
                      person});
    return json::value{{"secret", base32(secret)}, {"url", totp_url(secret, row->text(0))}};
}

Result<void> confirm_authenticator(const Context& context, const std::string& code) {
    const std::string& person = context.caller->person;
    const auto row = find_person(context, person);
    if (!row || !row->text(4).starts_with(kOffered)) {
        return make_error(ErrorCode::kConflict, "ask for a secret first");
    }
    const std::string sealed = row->text(4).substr(kOffered.size());
    const auto secret = context.master->open(totp_context(person), sealed);
    if (!secret) {
        return std::unexpected(secret.error());
    }
    const auto step = check_totp(*secret, code, context.now_s(), row->integer(5));
    if (!step) {
        return make_error(ErrorCode::kInvalidArgument,
                          "the code does not fit; check that the authenticator's clock is right");
    }
    context.sql->run("update people set totp = ?, totp_step = ? where id = ?",
                     {sealed, *step, person});
    record(context, {.action = "person.authenticator.add", .object = person});
    return {};
}

Result<void> remove_authenticator(const Context& context, const std::string& id) {
    if (!find_person(context, id)) {
        return nobody();
    }
    context.sql->run("update people set totp = '', totp_step = 0 where id = ? and organisation = ?",
                     {id, context.caller->organisation});
    record(context, {.action = "person.authenticator.remove", .object = id});
    return {};
}

}  // namespace isthmus::hub
