#include "tools/hub/oidc/accounts.h"

#include <optional>
#include <utility>

#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/http/base64url.h"
#include "control-agent/channel/crypto.h"
#include "tools/hub/oidc/provider.h"
#include "tools/hub/tenancy/audit.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

constexpr std::size_t kCodeCharacters = 32;
constexpr const char* kProviderActor = "identity provider";

std::string hash_of(std::string_view code) {
    return http::encode_base64url(channel::sha256(code));
}

struct Code {
    Vouched vouched;
    std::string challenge;
};

// The row is gone afterwards, whatever comes of it.
std::optional<Code> take_code(const Context& context, const std::string& code) {
    const std::string hash = hash_of(code);
    const auto row =
        context.sql->find({"organisation", "issuer", "subject", "name", "role", "challenge"},
                          "from sign_in_codes where hash = ? and expires_s > ?",
                          {hash, context.now_s()});
    context.sql->run("delete from sign_in_codes where hash = ?", {hash});
    const auto role = row ? parse_role(row->text(4)) : std::nullopt;
    if (!role) {
        return std::nullopt;
    }
    return Code{.vouched = {.organisation = row->text(0),
                            .issuer = row->text(1),
                            .subject = row->text(2),
                            .name = row->text(3),
                            .role = *role},
                .challenge = row->text(5)};
}

std::optional<std::string> linked_person(const Context& context, const Vouched& vouched) {
    const auto row =
        context.sql->find({"person"},
                          "from identities where organisation = ? and issuer = ? and subject = ?",
                          {vouched.organisation, vouched.issuer, vouched.subject});
    return row ? std::optional(row->text(0)) : std::nullopt;
}

void link(const Context& context, const Vouched& vouched, const std::string& person) {
    context.sql->run(
        "insert into identities(organisation, issuer, subject, person, created_s) "
        "values(?, ?, ?, ?, ?)",
        {vouched.organisation, vouched.issuer, vouched.subject, person, context.now_s()});
    record(context,
           {.action = "person.link",
            .object = person,
            .new_value = {{"issuer", vouched.issuer}, {"subject", vouched.subject}}});
}

bool name_taken(const Context& context, const std::string& name) {
    return context.sql->find({"id"}, "from people where name = ?", {name}).has_value();
}

// Names are unique on a hub, for people log in with them. What is taken stays its owner's.
std::string free_name(const Context& context, const Vouched& vouched) {
    if (!name_taken(context, vouched.name)) {
        return vouched.name;
    }
    constexpr std::size_t kMarkCharacters = 8;
    constexpr std::size_t kNameBytesMax = 200;
    const std::string mark =
        hash_of(vouched.organisation + '\n' + vouched.issuer + '\n' + vouched.subject)
            .substr(0, kMarkCharacters);
    const bool shortened = vouched.name.size() > kNameBytesMax;
    return fmt::format("{} ({})", shortened ? "signed in" : vouched.name, mark);
}

Result<std::string> add_linked_person(const Context& context, const Vouched& vouched) {
    auto person = add_person(context,
                             vouched.organisation,
                             {.name = free_name(context, vouched),
                              .role = vouched.role,
                              .is_operator = false,
                              .password_hash = no_password()});
    if (person) {
        context.sql->run("update people set must_change = 0 where id = ?", {*person});
        link(context, vouched, *person);
    }
    return person;
}

Result<void> follow_role(const Context& context, const std::string& person, Role role) {
    const auto row = context.sql->find({"role"}, "from people where id = ?", {person});
    return !row || row->text(0) == to_string(role) ? Result<void>()
                                                   : set_role(context, person, role);
}

// The person with the role that the provider says.
Result<std::string> find_or_add(const Context& context, const Vouched& vouched) {
    const auto person = linked_person(context, vouched);
    if (!person) {
        return add_linked_person(context, vouched);
    }
    if (const auto done = follow_role(context, *person, vouched.role); !done) {
        return std::unexpected(done.error());
    }
    return *person;
}

Result<std::string> link_existing(const Context& context,
                                  const Vouched& vouched,
                                  const std::string& person) {
    if (!context.sql->find({"id"},
                           "from people where id = ? and organisation = ?",
                           {person, vouched.organisation})) {
        return make_error(ErrorCode::kPermissionDenied,
                          "who is logged in belongs to another organisation");
    }
    if (const auto linked = linked_person(context, vouched); linked && *linked != person) {
        return make_error(ErrorCode::kConflict,
                          "somebody else is linked to this account of the provider; have that "
                          "person removed first");
    }
    if (is_emergency_administrator(context, vouched.organisation, person)) {
        return make_error(ErrorCode::kConflict,
                          "the emergency administrator is not linked to the provider: that is the "
                          "one who can log in without it");
    }
    // Before the link: who cannot have the role is not linked.
    if (const auto done = follow_role(context, person, vouched.role); !done) {
        return std::unexpected(done.error());
    }
    if (!linked_person(context, vouched)) {
        link(context, vouched, person);
    }
    return person;
}

}  // namespace

std::string add_sign_in_code(const Context& context,
                             const Vouched& vouched,
                             const std::string& challenge) {
    std::string code = context.random->next_token(kCodeCharacters);
    context.sql->run(
        "insert into sign_in_codes(hash, organisation, issuer, subject, name, role, challenge, "
        "expires_s) values(?, ?, ?, ?, ?, ?, ?, ?)",
        {hash_of(code),
         vouched.organisation,
         vouched.issuer,
         vouched.subject,
         vouched.name,
         std::string(to_string(vouched.role)),
         challenge,
         context.now_s() + kCodeSeconds});
    return code;
}

std::expected<Login, Error> redeem_sign_in_code(const Context& context,
                                                const Redemption& redemption) {
    const auto code = take_code(context, redemption.code);
    if (!code) {
        return make_error(ErrorCode::kUnauthenticated,
                          "the code is not known, was used, or ran out; sign in again");
    }
    const Vouched& vouched = code->vouched;
    if (!channel::equal_secrets(challenge_of(redemption.verifier), code->challenge)) {
        record_refusal(context,
                       vouched.organisation,
                       vouched.subject,
                       "the code came from a program that did not begin the sign-in");
        return make_error(ErrorCode::kUnauthenticated,
                          "the code belongs to a sign-in that another program began");
    }
    Caller provider;
    provider.organisation = vouched.organisation;
    provider.name = kProviderActor;
    provider.remote = context.caller != nullptr ? context.caller->remote : "";
    Context own = context;
    own.caller = &provider;
    const auto person = redemption.link_to.empty()
                            ? find_or_add(own, vouched)
                            : link_existing(own, vouched, redemption.link_to);
    if (!person) {
        record_refusal(own, vouched.organisation, vouched.subject, person.error().message);
        end_sessions_of_identity(own, vouched.organisation, vouched.issuer, vouched.subject);
        return std::unexpected(person.error());
    }
    const NewToken session = begin_session(own, vouched.organisation, *person);
    const auto row = own.sql->find({"name"}, "from people where id = ?", {*person});
    record_as(own,
              vouched.organisation,
              row ? row->text(0) : "",
              {.action = "person.login",
               .object = *person,
               .new_value = {{"issuer", vouched.issuer}, {"subject", vouched.subject}}});
    return Login{.token = session.token, .expires_s = session.expires_s};
}

void end_sessions_of_identity(const Context& context,
                              const std::string& organisation,
                              const std::string& issuer,
                              const std::string& subject) {
    if (const auto person = linked_person(
            context,
            {.organisation = organisation, .issuer = issuer, .subject = subject, .name = {}})) {
        end_sessions_of(context, *person);
    }
}

void record_refusal(const Context& context,
                    const std::string& organisation,
                    const std::string& subject,
                    const std::string& why) {
    record_as(context,
              organisation,
              kProviderActor,
              {.action = "person.login.refuse", .object = subject, .new_value = {{"why", why}}});
}

void forget_sign_in_codes(const Context& context) {
    context.sql->run("delete from sign_in_codes where expires_s < ?", {context.now_s()});
}

}  // namespace isthmus::hub::oidc
