// Organisations, people, tokens, identity providers, audit, the hub's keys.
#include <boost/json/object.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/api/endpoint.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/oidc/providers.h"
#include "tools/hub/tenancy/audit.h"
#include "tools/hub/tenancy/organisations.h"
#include "tools/hub/tenancy/people.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

constexpr std::int64_t kAuditMax = 1000;

std::int64_t number_of(const ApiCall& call, std::string_view name, std::int64_t otherwise) {
    return channel::integer_field(call.body, name).value_or(otherwise);
}

Result<Role> role_of(const ApiCall& call) {
    const auto role = parse_role(channel::text_field(call.body, "role").value_or(""));
    if (!role) {
        return make_error(ErrorCode::kInvalidArgument,
                          "role is \"full\", \"readonly\" or \"support\"");
    }
    return *role;
}

Quotas quotas_of(const ApiCall& call) {
    const Quotas usual;
    return {.nodes = number_of(call, "nodes", usual.nodes),
            .clusters = number_of(call, "clusters", usual.clusters),
            .people = number_of(call, "people", usual.people)};
}

Result<ApiAnswer> whoami(const Context& context, const ApiCall& /*call*/) {
    const Caller& caller = *context.caller;
    return answer_with(json::value{{"id", caller.person},
                                   {"name", caller.name},
                                   {"orgId", caller.organisation},
                                   {"role", to_string(caller.role)},
                                   {"operator", caller.is_operator}});
}

Result<ApiAnswer> log_out(const Context& context, const ApiCall& /*call*/) {
    end_session(context);
    return answer_done({});
}

Result<ApiAnswer> offer_totp(const Context& context, const ApiCall& /*call*/) {
    return answer_with(offer_authenticator(context));
}

Result<ApiAnswer> confirm_totp(const Context& context, const ApiCall& call) {
    const auto code = call.text("code");
    return code ? answer_done(confirm_authenticator(context, *code))
                : std::unexpected(code.error());
}

Result<ApiAnswer> people(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_people(context));
}

Result<ApiAnswer> person_add(const Context& context, const ApiCall& call) {
    const auto name = call.text("name");
    const auto role = role_of(call);
    if (!name || !role) {
        return std::unexpected(!name ? name.error() : role.error());
    }
    const auto id = add_person(
        context,
        context.caller->organisation,
        {.name = *name, .role = *role, .is_operator = false, .password_hash = call.password_hash});
    if (!id) {
        return std::unexpected(id.error());
    }
    return ApiAnswer{.status = 201, .body = json::value{{"id", *id}, {"name", *name}}};
}

Result<ApiAnswer> person_role(const Context& context, const ApiCall& call) {
    const auto role = role_of(call);
    return role ? answer_done(set_role(context, call.parameter("person"), *role))
                : std::unexpected(role.error());
}

Result<ApiAnswer> person_remove(const Context& context, const ApiCall& call) {
    return answer_done(remove_person(context, call.parameter("person")));
}

Result<ApiAnswer> person_reset(const Context& context, const ApiCall& call) {
    const auto done = reset_password(context, call.parameter("person"), call.password_hash);
    return done ? answer_with(json::value{{"id", call.parameter("person")}})
                : std::unexpected(done.error());
}

Result<ApiAnswer> person_totp_remove(const Context& context, const ApiCall& call) {
    return answer_done(remove_authenticator(context, call.parameter("person")));
}

Result<ApiAnswer> tokens(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_tokens(context));
}

Result<ApiAnswer> token_add(const Context& context, const ApiCall& call) {
    const auto name = call.text("name");
    const auto role = role_of(call);
    if (!name || !role) {
        return std::unexpected(!name ? name.error() : role.error());
    }
    constexpr std::int64_t kDays = 365;
    const auto made = add_token(context, *name, *role, number_of(call, "days", kDays));
    if (!made) {
        return std::unexpected(made.error());
    }
    return ApiAnswer{
        .status = 201,
        .body = json::value{
            {"id", made->id}, {"token", made->token}, {"expires", timestamp(made->expires_s)}}};
}

Result<ApiAnswer> token_remove(const Context& context, const ApiCall& call) {
    return answer_done(remove_token(context, call.parameter("token")));
}

Result<ApiAnswer> audit(const Context& context, const ApiCall& call) {
    constexpr std::int64_t kUsual = 100;
    return answer_with(list_audit(context,
                                  call.query_integer("before", 0, INT64_MAX),
                                  call.query_integer("limit", kUsual, kAuditMax)));
}

Result<ApiAnswer> organisation(const Context& context, const ApiCall& /*call*/) {
    return answer_with(show_organisation(context));
}

Result<ApiAnswer> organisations(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_organisations(context));
}

Result<ApiAnswer> organisation_add(const Context& context, const ApiCall& call) {
    const auto name = call.text("name");
    const auto administrator = call.text("administrator");
    if (!name || !administrator) {
        return std::unexpected(!name ? name.error() : administrator.error());
    }
    const auto id = add_organisation(context, *name, quotas_of(call));
    if (!id) {
        return std::unexpected(id.error());
    }
    const auto person = add_person(context,
                                   *id,
                                   {.name = *administrator,
                                    .role = Role::kFull,
                                    .is_operator = false,
                                    .password_hash = call.password_hash});
    if (!person) {
        return std::unexpected(person.error());
    }
    return ApiAnswer{.status = 201, .body = json::value{{"id", *id}, {"administrator", *person}}};
}

Result<ApiAnswer> organisation_quotas(const Context& context, const ApiCall& call) {
    return answer_done(set_quotas(context, call.parameter("organization"), quotas_of(call)));
}

Result<ApiAnswer> provider(const Context& context, const ApiCall& call) {
    return answer_with(oidc::show_provider(context, call.url));
}

Result<ApiAnswer> provider_put(const Context& context, const ApiCall& call) {
    const auto done = oidc::put_provider(context, call.body);
    return done ? provider(context, call) : std::unexpected(done.error());
}

Result<ApiAnswer> provider_remove(const Context& context, const ApiCall& /*call*/) {
    return answer_done(oidc::remove_provider(context));
}

Result<ApiAnswer> passwords_set(const Context& context, const ApiCall& call) {
    const auto done = oidc::set_passwords(context, call.body);
    return done ? provider(context, call) : std::unexpected(done.error());
}

Result<ApiAnswer> keys(const Context& context, const ApiCall& /*call*/) {
    return answer_with(list_hub_keys(context));
}

Result<ApiAnswer> key_rotate(const Context& context, const ApiCall& call) {
    const auto kind = call.text("kind");
    if (!kind || (*kind != "ca" && *kind != "signing")) {
        return make_error(ErrorCode::kInvalidArgument, "kind is \"ca\" or \"signing\"");
    }
    const auto done =
        rotate_key(context, *kind == "ca" ? HubKeyKind::kAuthority : HubKeyKind::kSigning);
    if (!done) {
        return std::unexpected(done.error());
    }
    return ApiAnswer{
        .status = 200, .body = list_hub_keys(context), .wake = {}, .cut = {}, .keys_changed = true};
}

}  // namespace

const std::vector<Endpoint>& tenancy_endpoints() {
    using enum Permission;
    static const std::vector<Endpoint> kEndpoints = {
        {"GET", "/v1/people/me", kSee, whoami},
        {"DELETE", "/v1/session", kSee, log_out},
        {"POST", "/v1/people/me/authenticator", kSee, offer_totp},
        {"PUT", "/v1/people/me/authenticator", kSee, confirm_totp},
        {"GET", "/v1/people", kAudit, people},
        {"POST", "/v1/people", kChange, person_add, true},
        {"PATCH", "/v1/people/{person}", kChange, person_role},
        {"DELETE", "/v1/people/{person}", kChange, person_remove},
        {"POST", "/v1/people/{person}/password", kChange, person_reset, true},
        {"DELETE", "/v1/people/{person}/authenticator", kChange, person_totp_remove},
        {"GET", "/v1/tokens", kAudit, tokens},
        {"POST", "/v1/tokens", kChange, token_add},
        {"DELETE", "/v1/tokens/{token}", kChange, token_remove},
        {"GET", "/v1/audit", kAudit, audit},
        {"GET", "/v1/organization", kSee, organisation},
        {"GET", "/v1/organization/identity-provider", kAudit, provider},
        {"PUT", "/v1/organization/identity-provider", kChange, provider_put},
        {"DELETE", "/v1/organization/identity-provider", kChange, provider_remove},
        {"PUT", "/v1/organization/identity-provider/passwords", kChange, passwords_set},
        {"GET", "/v1/organizations", kHub, organisations},
        {"POST", "/v1/organizations", kHub, organisation_add, true},
        {"PUT", "/v1/organizations/{organization}/quotas", kHub, organisation_quotas},
        {"GET", "/v1/keys", kHub, keys},
        {"POST", "/v1/keys", kHub, key_rotate},
    };
    return kEndpoints;
}

}  // namespace isthmus::hub
