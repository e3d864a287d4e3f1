#include "tools/hub/tenancy/tokens.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/http/base64url.h"
#include "control-agent/channel/crypto.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::size_t kTokenCharacters = 32;
constexpr std::string_view kPrefix = "isth_";  // so that people and scanners know what it is
constexpr std::int64_t kUseNoteSeconds = 60;

std::string hash_of(std::string_view token) {
    return http::encode_base64url(channel::sha256(token));
}

struct TokenRow {
    std::string organisation;
    std::string person;
    std::string name;
    std::string role;
    std::string kind;
    std::int64_t seconds = 0;
};

NewToken insert(const Context& context, const TokenRow& row) {
    NewToken made{.id = context.new_id(),
                  .token = std::string(kPrefix) + context.random->next_token(kTokenCharacters),
                  .expires_s = context.now_s() + row.seconds};
    context.sql->run(
        "insert into tokens(id, organisation, person, name, role, kind, hash, created_s, "
        "expires_s, last_used_s) values(?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        {made.id,
         row.organisation,
         row.person,
         row.name,
         row.role,
         row.kind,
         hash_of(made.token),
         context.now_s(),
         made.expires_s});
    return made;
}

}  // namespace

NewToken begin_session(const Context& context,
                       const std::string& organisation,
                       const std::string& person) {
    return insert(context,
                  {.organisation = organisation,
                   .person = person,
                   .name = {},
                   .role = {},  // the person's, whatever it is when the token is used
                   .kind = "session",
                   .seconds = kSessionSeconds});
}

Result<NewToken> add_token(const Context& context,
                           const std::string& name,
                           Role role,
                           std::int64_t days) {
    if (auto fault = fault_of_name(name); !fault.empty()) {
        return make_error(ErrorCode::kInvalidArgument, std::move(fault));
    }
    if (days < 1 || days > kTokenDaysMax) {
        return make_error(ErrorCode::kInvalidArgument, "a token lasts 1 to 3650 days");
    }
    constexpr std::int64_t kDaySeconds = 86'400;
    NewToken made = insert(context,
                           {.organisation = context.caller->organisation,
                            .person = {},
                            .name = name,
                            .role = std::string(to_string(role)),
                            .kind = "api",
                            .seconds = days * kDaySeconds});
    record(context,
           {.action = "token.add",
            .object = made.id,
            .new_value = {{"name", name}, {"role", to_string(role)}, {"days", days}}});
    return made;
}

json::value list_tokens(const Context& context) {
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"id", "name", "role", "created_s", "expires_s", "last_used_s"},
             "from tokens where organisation = ? and kind = 'api' order by name, id",
             {context.caller->organisation})) {
        items.push_back({{"id", row.text(0)},
                         {"name", row.text(1)},
                         {"role", row.text(2)},
                         {"createdS", row.integer(3)},
                         {"expiresS", row.integer(4)},
                         {"lastUsedS", row.integer(5)}});
    }
    return json::value{{"items", std::move(items)}};
}

Result<void> remove_token(const Context& context, const std::string& id) {
    const auto old =
        context.sql->find({"name", "role"},
                          "from tokens where id = ? and organisation = ? and kind = 'api'",
                          {id, context.caller->organisation});
    if (!old) {
        return make_error(ErrorCode::kNotFound, "there is no such token");
    }
    context.sql->run("delete from tokens where id = ? and organisation = ?",
                     {id, context.caller->organisation});
    record(context,
           {.action = "token.remove",
            .object = id,
            .old_value = {{"name", old->text(0)}, {"role", old->text(1)}}});
    return {};
}

void end_session(const Context& context) {
    context.sql->run("delete from tokens where id = ? and organisation = ?",
                     {context.caller->token, context.caller->organisation});
}

void end_sessions_of(const Context& context, const std::string& person) {
    context.sql->run("delete from tokens where person = ?", {person});
}

std::optional<Caller> find_caller(const Context& context, std::string_view token) {
    const auto row = context.sql->find(
        {"t.id",
         "t.organisation",
         "t.person",
         "t.name",
         "t.role",
         "t.last_used_s",
         "p.name",
         "p.role",
         "p.operator"},
        "from tokens t left join people p on p.id = t.person and p.organisation = t.organisation "
        "where t.hash = ? and t.expires_s > ?",
        {hash_of(token), context.now_s()});
    if (!row) {
        return std::nullopt;
    }
    const bool is_person = !row->text(2).empty();
    const auto role = parse_role(row->text(is_person ? 7 : 4));
    if (!role) {
        return std::nullopt;  // a person who is gone
    }
    if (context.now_s() - row->integer(5) >= kUseNoteSeconds) {
        context.sql->run("update tokens set last_used_s = ? where id = ?",
                         {context.now_s(), row->text(0)});
    }
    return Caller{.organisation = row->text(1),
                  .person = row->text(2),
                  .name = is_person ? row->text(6) : "token " + row->text(3),
                  .token = row->text(0),
                  .role = *role,
                  .is_operator = is_person && row->integer(8) != 0,
                  .remote = {}};
}

void forget_expired_tokens(const Context& context) {
    context.sql->run("delete from tokens where expires_s < ?", {context.now_s()});
}

}  // namespace isthmus::hub
