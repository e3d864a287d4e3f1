#include "tools/hub/store/schema.h"

#include <utility>

#include <spdlog/fmt/fmt.h>

#include "tools/hub/store/turns.h"

namespace isthmus::hub {
namespace {

// Times are UNIX seconds (_s) or milliseconds (_ms). Flags are 0 and 1. {serial} counts by itself.
// A migration that a release carried is never changed; the next one is added below it. A table,
// however long.
// NOLINTNEXTLINE(readability-function-size)
const std::vector<std::vector<const char*>>& migrations() {
    static const std::vector<std::vector<const char*>> kSteps = {
        {
            "create table organisations(id text primary key, name text not null unique, "
            "created_s bigint not null, nodes_max bigint not null, clusters_max bigint not null, "
            "people_max bigint not null)",

            "create table people(id text primary key, organisation text not null, "
            "name text not null unique, role text not null, operator bigint not null, "
            "password text not null, must_change bigint not null, totp text not null, "
            "totp_step bigint not null, failures bigint not null, locked_until_s bigint not null, "
            "created_s bigint not null)",
            "create index people_of on people(organisation)",

            "create table tokens(id text primary key, organisation text not null, "
            "person text not null, name text not null, role text not null, kind text not null, "
            "hash text not null unique, created_s bigint not null, expires_s bigint not null, "
            "last_used_s bigint not null)",
            "create index tokens_of on tokens(organisation)",

            "create table clusters(id text primary key, organisation text not null, "
            "name text not null, created_s bigint not null, schedule_days text not null, "
            "schedule_time text not null, schedule_zone text not null, channel text not null, "
            "unique(organisation, name))",

            "create table nodes(id text primary key, organisation text not null, "
            "cluster text not null, name text not null, key text not null, "
            "sealing_key text not null, state text not null, created_s bigint not null, "
            "revoked_s bigint not null, certificate_serial text not null, "
            "certificate_until_s bigint not null, command_sequence bigint not null, "
            "home text not null, fence bigint not null, last_seen_s bigint not null, "
            "status text not null, applied_version bigint not null, applied_state text not null, "
            "unique(organisation, name))",
            "create index nodes_of on nodes(cluster)",
            "create index nodes_at on nodes(home)",

            "create table enrollments(id text primary key, organisation text not null, "
            "cluster text not null, secret text not null, author text not null, "
            "created_s bigint not null, expires_s bigint not null, failures bigint not null, "
            "used_s bigint not null, node text not null)",
            "create index enrollments_of on enrollments(organisation)",

            "create table configurations(organisation text not null, scope text not null, "
            "target text not null, version bigint not null, body text not null, "
            "author text not null, created_s bigint not null, "
            "primary key(scope, target, version))",

            "create table counters(name text primary key, value bigint not null)",

            "create table commands(id text primary key, number bigint not null, "
            "organisation text not null, node text not null, method text not null, params text not "
            "null, "
            "author text not null, created_s bigint not null, expires_s bigint not null, "
            "state text not null, sequence bigint not null, percent bigint not null, "
            "message text not null, result text not null, updated_s bigint not null)",
            "create index commands_of on commands(node, state)",

            "create table events(organisation text not null, node text not null, "
            "epoch text not null, sequence bigint not null, time_ms bigint not null, "
            "kind text not null, body text not null, received_ms bigint not null, "
            "primary key(node, epoch, sequence))",
            "create index events_by_time on events(organisation, received_ms)",

            "create table services(organisation text not null, node text not null, "
            "name text not null, package text not null, configuration text not null, "
            "state text not null, author text not null, created_s bigint not null, "
            "primary key(node, name))",

            "create table audit(number {serial}, organisation text not null, "
            "time_ms bigint not null, actor text not null, remote text not null, "
            "action text not null, object text not null, old text not null, new text not null)",
            "create index audit_of on audit(organisation, number)",

            "create table hub_keys(id text primary key, kind text not null, number bigint not "
            "null, state text not null, public text not null, private text not null, "
            "certificate text not null, signature text not null, created_s bigint not null, "
            "unique(kind, number))",

            "create table leases(name text primary key, holder text not null, "
            "fence bigint not null, expires_ms bigint not null)",
        },
        // Sign-in through identity providers.
        {
            "create table identity_providers(organisation text primary key, issuer text not null, "
            "client_id text not null, client_secret text not null, scopes text not null, "
            "mapping text not null, passwords text not null, emergency text not null, "
            "updated_s bigint not null)",

            "create table identities(organisation text not null, issuer text not null, "
            "subject text not null, person text not null, created_s bigint not null, "
            "primary key(organisation, issuer, subject))",
            "create index identities_of on identities(person)",

            "create table sign_in_codes(hash text primary key, organisation text not null, "
            "issuer text not null, subject text not null, name text not null, "
            "role text not null, challenge text not null, expires_s bigint not null)",
        },
        // Nodes that serve several organisations.
        {
            "create table node_shares(node text not null, organisation text not null, "
            "guest text not null, state text not null, created_s bigint not null, "
            "accepted_s bigint not null, primary key(node, guest))",
            "create index node_shares_of on node_shares(guest)",

            "alter table events add column guest text not null default ''",
            "create index events_of_guest on events(guest, node) where guest <> ''",
        },
        // What connectors keep at the hub.
        {
            "create table connector_state(organisation text not null, cluster text not null, "
            "service text not null, name text not null, value text not null, "
            "version bigint not null, updated_s bigint not null, "
            "primary key(cluster, service, name))",
        },
    };
    return kSteps;
}

void apply(Sql& sql, std::int64_t version, const std::vector<const char*>& statements) {
    const std::string_view serial = sql.is_postgresql()
                                        ? "bigint generated by default as identity primary key"
                                        : "integer primary key autoincrement";
    for (const char* statement : statements) {
        std::string text = statement;
        if (const auto at = text.find("{serial}"); at != std::string::npos) {
            text.replace(at, std::string_view("{serial}").size(), serial);
        }
        sql.run(text);
    }
    sql.run("update schema_version set version = ?", {version});
}

// True where there was nothing to do.
Result<bool> migrate_once(Sql& sql) {
    sql.run("create table if not exists schema_version(version bigint not null)");
    const auto found = sql.find({"version"}, "from schema_version");
    if (!found) {
        sql.run("insert into schema_version(version) values(0)");
    }
    const std::int64_t have = found ? found->integer(0) : 0;
    if (have > schema_version()) {
        return make_error(ErrorCode::kConflict,
                          fmt::format("the database is of a newer hub (version {}, this one knows "
                                      "{}); start that hub, or restore a backup of this one",
                                      have,
                                      schema_version()));
    }
    if (have == schema_version()) {
        return true;
    }
    apply(sql, have + 1, migrations()[static_cast<std::size_t>(have)]);
    return false;
}

}  // namespace

std::int64_t schema_version() {
    return static_cast<std::int64_t>(migrations().size());
}

Result<void> migrate(Sql& sql) {
    for (bool done = false; !done;) {
        sql.run("begin");
        take_turn(sql);
        const auto step = migrate_once(sql);
        sql.run(step ? "commit" : "rollback");
        if (const std::optional<Error>& fault = sql.fault()) {
            return make_error(fault->code,
                              fmt::format("bringing the database to version {} failed: {}",
                                          schema_version(),
                                          fault->message));
        }
        if (!step) {
            return std::unexpected(step.error());
        }
        done = *step;
    }
    return {};
}

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<TableColumns>& backed_up_tables() {
    static const std::vector<TableColumns> kTables = {
        {"organisations", {"id", "name", "created_s", "nodes_max", "clusters_max", "people_max"}},
        {"people",
         {"id",
          "organisation",
          "name",
          "role",
          "operator",
          "password",
          "must_change",
          "totp",
          "totp_step",
          "failures",
          "locked_until_s",
          "created_s"}},
        {"tokens",
         {"id",
          "organisation",
          "person",
          "name",
          "role",
          "kind",
          "hash",
          "created_s",
          "expires_s",
          "last_used_s"}},
        {"clusters",
         {"id",
          "organisation",
          "name",
          "created_s",
          "schedule_days",
          "schedule_time",
          "schedule_zone",
          "channel"}},
        {"nodes",
         {"id",
          "organisation",
          "cluster",
          "name",
          "key",
          "sealing_key",
          "state",
          "created_s",
          "revoked_s",
          "certificate_serial",
          "certificate_until_s",
          "command_sequence",
          "home",
          "fence",
          "last_seen_s",
          "status",
          "applied_version",
          "applied_state"}},
        {"enrollments",
         {"id",
          "organisation",
          "cluster",
          "secret",
          "author",
          "created_s",
          "expires_s",
          "failures",
          "used_s",
          "node"}},
        {"configurations",
         {"organisation", "scope", "target", "version", "body", "author", "created_s"}},
        {"counters", {"name", "value"}},
        {"commands",
         {"id",
          "number",
          "organisation",
          "node",
          "method",
          "params",
          "author",
          "created_s",
          "expires_s",
          "state",
          "sequence",
          "percent",
          "message",
          "result",
          "updated_s"}},
        {"events",
         {"organisation",
          "node",
          "epoch",
          "sequence",
          "time_ms",
          "kind",
          "body",
          "received_ms",
          "guest"}},
        {"services",
         {"organisation",
          "node",
          "name",
          "package",
          "configuration",
          "state",
          "author",
          "created_s"}},
        {"connector_state",
         {"organisation", "cluster", "service", "name", "value", "version", "updated_s"}},
        {"audit",
         {"number",
          "organisation",
          "time_ms",
          "actor",
          "remote",
          "action",
          "object",
          "old",
          "new"}},
        {"hub_keys",
         {"id",
          "kind",
          "number",
          "state",
          "public",
          "private",
          "certificate",
          "signature",
          "created_s"}},
        {"leases", {"name", "holder", "fence", "expires_ms"}},
        {"identity_providers",
         {"organisation",
          "issuer",
          "client_id",
          "client_secret",
          "scopes",
          "mapping",
          "passwords",
          "emergency",
          "updated_s"}},
        {"identities", {"organisation", "issuer", "subject", "person", "created_s"}},
        {"node_shares", {"node", "organisation", "guest", "state", "created_s", "accepted_s"}},
        {"sign_in_codes",
         {"hash", "organisation", "issuer", "subject", "name", "role", "challenge", "expires_s"}},
    };
    return kTables;
}

}  // namespace isthmus::hub
