#include "benchmarks/hub/fleet_database.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/http/base64url.h"
#include "tools/hub/fleet/clusters.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/store/database.h"
#include "tools/hub/tenancy/caller.h"
#include "tools/hub/tenancy/context.h"
#include "tools/hub/tenancy/organisations.h"

namespace isthmus::hub {
namespace {

Result<ScriptedIdentity> add_node(const Context& context,
                                  const Keyring& keyring,
                                  const std::string& cluster,
                                  std::size_t number) {
    ScriptedIdentity identity;
    identity.node = context.new_id();
    identity.hub_fingerprints = {keyring.identity.key.public_key().fingerprint()};
    identity.key = channel::SigningKey::generate(*context.random);
    identity.sealing_key = channel::ExchangeKey::generate(*context.random);
    const auto certificate = keyring.authority.issue_node(
        identity.node, identity.key->public_key(), *context.random, context.now_s());
    if (!certificate) {
        return std::unexpected(certificate.error());
    }
    identity.certificate = certificate->pem;
    context.sql->run(
        "insert into nodes(id, organisation, cluster, name, key, sealing_key, state, created_s, "
        "revoked_s, certificate_serial, certificate_until_s, command_sequence, home, fence, "
        "last_seen_s, status, applied_version, applied_state) "
        "values(?, ?, ?, ?, ?, ?, 'enrolled', ?, 0, ?, ?, 0, '', 0, ?, '', 0, '')",
        {identity.node,
         context.caller->organisation,
         cluster,
         "node-" + std::to_string(number),
         http::encode_base64url(identity.key->public_key().bytes()),
         http::encode_base64url(identity.sealing_key->public_key().bytes()),
         context.now_s(),
         certificate->serial,
         certificate->not_after_unix_s,
         context.now_s()});
    return identity;
}

}  // namespace

Result<std::vector<ScriptedIdentity>> make_fleet_database(const std::filesystem::path& data,
                                                          RandomSource& random,
                                                          std::size_t nodes) {
    std::filesystem::create_directories(data);
    const auto master = MasterKey::load_or_make(data / "master.key", random);
    if (!master) {
        return std::unexpected(master.error());
    }
    auto database = Database::open((data / "hub.db").string(),
                                   [](std::move_only_function<void()> /*answer*/) {});
    if (!database) {
        return std::unexpected(database.error());
    }
    const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                    std::chrono::system_clock::now().time_since_epoch())
                                    .count();
    std::vector<ScriptedIdentity> fleet;
    auto done = (*database)->run_now([&](Sql& sql) -> Result<void> {
        Caller caller;
        caller.name = "benchmark";
        const Context context{.sql = &sql,
                              .caller = &caller,
                              .now_ms = now_ms,
                              .random = &random,
                              .master = &*master};
        const auto keyring = load_keyring(context);
        const auto organisation = add_organisation(
            context, "Benchmark", {.nodes = 1'000'000, .clusters = 10, .people = 10});
        if (!keyring || !organisation) {
            return std::unexpected(!keyring ? keyring.error() : organisation.error());
        }
        caller.organisation = *organisation;
        const auto cluster = add_cluster(context, "hq");
        if (!cluster) {
            return std::unexpected(cluster.error());
        }
        const std::string cluster_id(cluster->at("id").as_string());
        for (std::size_t i = 0; i < nodes; ++i) {
            auto identity = add_node(context, **keyring, cluster_id, i);
            if (!identity) {
                return std::unexpected(identity.error());
            }
            fleet.push_back(std::move(*identity));
        }
        return {};
    });
    if (!done) {
        return std::unexpected(done.error());
    }
    return fleet;
}

}  // namespace isthmus::hub
