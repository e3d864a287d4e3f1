#include "tools/hub/oidc/providers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"
#include "tools/hub/oidc/provider.h"
#include "tools/hub/tenancy/audit.h"
#include "tools/hub/tenancy/tokens.h"

namespace isthmus::hub::oidc {
namespace {

namespace json = boost::json;

constexpr std::size_t kTextBytesMax = 2048;
constexpr std::size_t kScopesMax = 20;
constexpr std::size_t kMappingBytesMax = 256UL * 1024;
constexpr std::string_view kUsualScopes = "openid profile email";

std::unexpected<Error> wrong(std::string what) {
    return make_error(ErrorCode::kInvalidArgument, std::move(what));
}

std::unexpected<Error> none() {
    return make_error(ErrorCode::kNotFound, "the organisation has no identity provider");
}

std::string secret_context(const std::string& organisation) {
    return "identity_providers.client_secret:" + organisation;
}

struct Row {
    std::string organisation{};
    std::string issuer{};
    std::string client_id{};
    std::string sealed_secret{};
    std::string scopes{};
    std::string mapping{};
    std::string passwords{};
    std::string emergency{};
};

const std::vector<std::string> kColumns = {"i.organisation",
                                           "i.issuer",
                                           "i.client_id",
                                           "i.client_secret",
                                           "i.scopes",
                                           "i.mapping",
                                           "i.passwords",
                                           "i.emergency"};

Row read_row(const SqlRow& row) {
    return {.organisation = row.text(0),
            .issuer = row.text(1),
            .client_id = row.text(2),
            .sealed_secret = row.text(3),
            .scopes = row.text(4),
            .mapping = row.text(5),
            .passwords = row.text(6),
            .emergency = row.text(7)};
}

std::optional<Row> find_own(const Context& context) {
    const auto row = context.sql->find(kColumns,
                                       "from identity_providers i where i.organisation = ?",
                                       {context.caller->organisation});
    return row ? std::optional(read_row(*row)) : std::nullopt;
}

json::value mapping_of(const Row& row) {
    return channel::parse_json(row.mapping, kMappingBytesMax).value_or(nullptr);
}

json::value describe(const Row& row) {
    return {{"issuer", row.issuer},
            {"clientId", row.client_id},
            {"hasClientSecret", !row.sealed_secret.empty()},
            {"scopes", row.scopes},
            {"mapping", mapping_of(row)},
            {"passwords", row.passwords},
            {"emergencyAdministrator", row.emergency}};
}

// "scopes":["openid","groups"] as the request's one text; "openid" is always there.
Result<std::string> read_scopes(const json::value& body) {
    const json::value* scopes = channel::find_field(body, "scopes");
    if (scopes == nullptr) {
        return std::string(kUsualScopes);
    }
    if (!scopes->is_array() || scopes->get_array().size() > kScopesMax) {
        return wrong("\"scopes\" is a list of at most 20 scopes");
    }
    std::string out = "openid";
    for (const json::value& scope : scopes->get_array()) {
        const std::string text = scope.is_string() ? std::string(scope.get_string()) : "";
        // RFC 6749 section 3.3.
        const bool good =
            !text.empty() && text.size() < kTextBytesMax &&
            std::ranges::all_of(
                text, [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; });
        if (!good) {
            return wrong("a scope is a word of ASCII characters");
        }
        out += text == "openid" ? "" : " " + text;
    }
    return out;
}

// The sealed secret that is to be kept.
Result<std::string> read_secret(const Context& context,
                                const json::value& body,
                                const std::optional<Row>& old,
                                const Row& wanted) {
    const json::value* given = channel::find_field(body, "clientSecret");
    if (given == nullptr) {
        // Never to another issuer than the one that it was meant for.
        const bool same = old && old->issuer == wanted.issuer && old->client_id == wanted.client_id;
        return same ? old->sealed_secret : std::string();
    }
    const std::string secret = channel::text_field(body, "clientSecret").value_or("");
    if (!given->is_null() && (secret.empty() || secret.size() > kTextBytesMax)) {
        return wrong("\"clientSecret\" is a text of 1 to 2048 bytes, or null for none");
    }
    return secret.empty()
               ? std::string()
               : context.master->seal(
                     *context.random, secret_context(context.caller->organisation), secret);
}

// Sessions, and sign-ins that are not over yet.
void end_what_it_began(const Context& context) {
    context.sql->run("delete from sign_in_codes where organisation = ?",
                     {context.caller->organisation});
    context.sql->run(
        "delete from tokens where organisation = ? and kind = 'session' and person in "
        "(select person from identities where organisation = ?)",
        {context.caller->organisation, context.caller->organisation});
}

}  // namespace

std::string redirect_uri(const std::string& hub_url, const std::string& organisation) {
    return hub_url + "/v1/oidc/callback/" + organisation;
}

Result<json::value> show_provider(const Context& context, const std::string& hub_url) {
    const auto row = find_own(context);
    if (!row) {
        return none();
    }
    json::value out = describe(*row);
    out.get_object()["redirectUri"] = redirect_uri(hub_url, row->organisation);
    return out;
}

Result<void> put_provider(const Context& context, const json::value& body) {
    const std::string& organisation = context.caller->organisation;
    const auto old = find_own(context);
    Row row{.organisation = organisation,
            .issuer = channel::text_field(body, "issuer").value_or(""),
            .client_id = channel::text_field(body, "clientId").value_or(""),
            .passwords = old ? old->passwords : "on",
            .emergency = old ? old->emergency : ""};
    if (auto fault = fault_of_issuer(row.issuer); !fault.empty()) {
        return wrong(std::move(fault));
    }
    if (row.client_id.empty() || row.client_id.size() > kTextBytesMax) {
        return wrong("\"clientId\" is what the provider calls this hub, 1 to 2048 bytes");
    }
    const json::value* given = channel::find_field(body, "mapping");
    const auto mapping = read_role_mapping(given != nullptr ? *given : json::value(nullptr));
    auto scopes = read_scopes(body);
    auto secret = read_secret(context, body, old, row);
    if (!mapping || !scopes || !secret) {
        return std::unexpected(!mapping  ? mapping.error()
                               : !scopes ? scopes.error()
                                         : secret.error());
    }
    row.mapping = json::serialize(write_role_mapping(*mapping));
    row.scopes = std::move(*scopes);
    row.sealed_secret = std::move(*secret);
    context.sql->run("delete from identity_providers where organisation = ?", {organisation});
    context.sql->run(
        "insert into identity_providers(organisation, issuer, client_id, client_secret, scopes, "
        "mapping, passwords, emergency, updated_s) values(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {organisation,
         row.issuer,
         row.client_id,
         row.sealed_secret,
         row.scopes,
         row.mapping,
         row.passwords,
         row.emergency,
         context.now_s()});
    end_what_it_began(context);
    record(context,
           {.action = "identity-provider.set",
            .object = organisation,
            .old_value = old ? describe(*old) : json::value(nullptr),
            .new_value = describe(row)});
    return {};
}

Result<void> remove_provider(const Context& context) {
    const auto old = find_own(context);
    if (!old) {
        return none();
    }
    end_what_it_began(context);
    context.sql->run("delete from identity_providers where organisation = ?",
                     {context.caller->organisation});
    record(context,
           {.action = "identity-provider.remove",
            .object = context.caller->organisation,
            .old_value = describe(*old)});
    return {};
}

Result<void> set_passwords(const Context& context, const json::value& body) {
    const std::string& organisation = context.caller->organisation;
    const auto old = find_own(context);
    if (!old) {
        return none();
    }
    const std::string mode = channel::text_field(body, "mode").value_or("");
    std::string emergency;
    if (mode == "emergency") {
        const std::string name = channel::text_field(body, "administrator").value_or("");
        const auto person = context.sql->find(
            {"id"},
            "from people p where organisation = ? and (id = ? or name = ?) and role = 'full' and "
            "must_change = 0 and not exists(select 1 from identities i where i.person = p.id)",
            {organisation, name, name});
        if (!person) {
            return wrong(
                "\"administrator\" is who can log in when the provider is away: a full "
                "administrator with a password that is no one-time one, and without a link to the "
                "provider");
        }
        emergency = person->text(0);
    } else if (mode != "on") {
        return wrong("mode is \"on\" or \"emergency\"");
    }
    context.sql->run(
        "update identity_providers set passwords = ?, emergency = ? where organisation = ?",
        {mode, emergency, organisation});
    if (!emergency.empty()) {
        // Of people who have nothing but a password, but for the session that says so.
        context.sql->run(
            "delete from tokens where organisation = ? and kind = 'session' and person <> ? and "
            "id <> ? and person not in (select person from identities where organisation = ?)",
            {organisation, emergency, context.caller->token, organisation});
    }
    record(context,
           {.action = "identity-provider.passwords",
            .object = organisation,
            .old_value = {{"mode", old->passwords}, {"administrator", old->emergency}},
            .new_value = {{"mode", mode}, {"administrator", emergency}}});
    return {};
}

Result<Provider> find_provider(const Context& context, const std::string& id_or_name) {
    const auto rows = context.sql->select(
        kColumns,
        "from identity_providers i join organisations o on o.id = i.organisation "
        "where '' = ? or o.id = ? or o.name = ? limit 2",
        {id_or_name, id_or_name, id_or_name});
    if (rows.size() != 1) {
        return make_error(
            ErrorCode::kNotFound,
            id_or_name.empty() && !rows.empty()
                ? "several organisations sign in here through identity providers; say which with "
                  "--organization"
                : "no such organisation signs in here through an identity provider");
    }
    const Row row = read_row(rows.front());
    const auto mapping = read_role_mapping(mapping_of(row));
    if (!mapping) {
        return std::unexpected(mapping.error());
    }
    Provider provider{.organisation = row.organisation,
                      .issuer = row.issuer,
                      .client_id = row.client_id,
                      .client_secret = {},
                      .scopes = row.scopes,
                      .mapping = *mapping};
    if (!row.sealed_secret.empty()) {
        auto secret = context.master->open(secret_context(row.organisation), row.sealed_secret);
        if (!secret) {
            return std::unexpected(secret.error());
        }
        provider.client_secret = std::move(*secret);
    }
    return provider;
}

}  // namespace isthmus::hub::oidc
