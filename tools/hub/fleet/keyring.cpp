#include "tools/hub/fleet/keyring.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/http/base64url.h"
#include "tools/hub/tenancy/audit.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

std::string_view name_of(HubKeyKind kind) {
    return kind == HubKeyKind::kAuthority ? "ca" : "signing";
}

std::string context_of(const std::string& id) {
    return "hub_keys:" + id;
}

std::vector<SqlRow> rows_of(const Context& context, HubKeyKind kind) {
    return context.sql->select(
        {"id", "number", "public", "private", "certificate", "signature"},
        "from hub_keys where kind = ? and state <> 'removed' order by number",
        {std::string(name_of(kind))});
}

Result<channel::SigningKey> private_key_of(const Context& context, const SqlRow& row) {
    const auto seed = context.master->open(context_of(row.text(0)), row.text(3));
    if (!seed) {
        return std::unexpected(seed.error());
    }
    auto key = channel::SigningKey::from_seed(*seed);
    if (!key) {
        return make_error(ErrorCode::kInternal, "a key in the database is none");
    }
    return std::move(*key);
}

struct NewKey {
    HubKeyKind kind = HubKeyKind::kSigning;
    std::int64_t number = 1;
    std::string certificate;
    std::string signature;
};

void insert(const Context& context, const channel::SigningKey& key, const NewKey& about) {
    const std::string id = key.public_key().id();
    context.sql->run("update hub_keys set state = 'retired' where kind = ? and state = 'current'",
                     {std::string(name_of(about.kind))});
    context.sql->run(
        "insert into hub_keys(id, kind, number, state, public, private, certificate, signature, "
        "created_s) values(?, ?, ?, 'current', ?, ?, ?, ?, ?)",
        {id,
         std::string(name_of(about.kind)),
         about.number,
         http::encode_base64url(key.public_key().bytes()),
         context.master->seal(*context.random, context_of(id), key.seed()),
         about.certificate,
         about.signature,
         context.now_s()});
}

Result<void> add_authority(const Context& context, std::int64_t number) {
    const auto key = channel::SigningKey::generate(*context.random);
    const auto authority = Authority::make(key, *context.random, context.now_s());
    if (!authority) {
        return std::unexpected(authority.error());
    }
    insert(context,
           key,
           {.kind = HubKeyKind::kAuthority,
            .number = number,
            .certificate = authority->certificate_pem(),
            .signature = {}});
    return {};
}

Result<void> add_signing_key(const Context& context, const std::vector<SqlRow>& earlier) {
    const auto key = channel::SigningKey::generate(*context.random);
    NewKey about{.kind = HubKeyKind::kSigning, .number = 1, .certificate = {}, .signature = {}};
    if (!earlier.empty()) {
        const auto previous = private_key_of(context, earlier.back());
        if (!previous) {
            return std::unexpected(previous.error());
        }
        about.number = earlier.back().integer(1) + 1;
        about.signature =
            http::encode_base64url(channel::link_hub_key(*previous, key.public_key()).signature);
    }
    insert(context, key, about);
    return {};
}

}  // namespace

std::string Keyring::authorities_pem() const {
    std::string out;
    for (const std::string& pem : authorities) {
        out += pem;
    }
    return out;
}

Result<std::shared_ptr<const Keyring>> load_keyring(const Context& context) {
    if (rows_of(context, HubKeyKind::kAuthority).empty() && !context.sql->fault()) {
        const auto made = add_authority(context, 1);
        const auto signing = made ? add_signing_key(context, {}) : made;
        if (!signing) {
            return std::unexpected(signing.error());
        }
    }
    const auto authorities = rows_of(context, HubKeyKind::kAuthority);
    const auto signing = rows_of(context, HubKeyKind::kSigning);
    if (authorities.empty() || signing.empty()) {
        return make_error(ErrorCode::kUnavailable, "the hub's keys are not in the database");
    }
    auto authority_key = private_key_of(context, authorities.back());
    auto signing_key = private_key_of(context, signing.back());
    auto server_key = private_key_of(context, authorities.front());
    if (!authority_key || !signing_key || !server_key) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the hub's keys cannot be read: they are sealed under another master "
                          "key; put the master.key that belongs to this database into the data "
                          "directory");
    }
    std::vector<channel::HubKeyLink> links;
    for (const SqlRow& row : signing) {
        const auto key =
            channel::PublicKey::from_bytes(http::decode_base64url(row.text(2)).value_or(""));
        if (!key) {
            return make_error(ErrorCode::kInternal, "a key in the database is none");
        }
        links.push_back(
            {.key = *key, .signature = http::decode_base64url(row.text(5)).value_or("")});
    }
    auto keyring = std::make_shared<Keyring>(
        Keyring{.identity = {.key = std::move(*signing_key), .links = std::move(links)},
                .authority = Authority(std::move(*authority_key), authorities.back().text(4)),
                .server_authority = Authority(std::move(*server_key), authorities.front().text(4)),
                .authorities = {},
                .nonce_key = channel::hkdf_sha256(context.master->text(), {}, "isthmus-nonces")});
    for (auto row = authorities.rbegin(); row != authorities.rend(); ++row) {
        keyring->authorities.push_back(row->text(4));
    }
    return keyring;
}

Result<void> rotate_key(const Context& context, HubKeyKind kind) {
    const auto earlier = rows_of(context, kind);
    if (earlier.empty()) {
        return make_error(ErrorCode::kUnavailable, "the hub's keys are not in the database");
    }
    // channel::kHubKeysMax is what nodes accept.
    if (earlier.size() >= channel::kHubKeysMax) {
        return make_error(ErrorCode::kLimitExceeded, "the key was changed 63 times already");
    }
    auto done = kind == HubKeyKind::kAuthority
                    ? add_authority(context, earlier.back().integer(1) + 1)
                    : add_signing_key(context, earlier);
    if (done) {
        record(context,
               {.action = "hub.rotate",
                .object = std::string(name_of(kind)),
                .old_value = json::value(earlier.back().text(0)),
                .new_value = json::value(rows_of(context, kind).back().text(0))});
    }
    return done;
}

json::value list_hub_keys(const Context& context) {
    json::array items;
    for (const SqlRow& row :
         context.sql->select({"id", "kind", "number", "state", "created_s"},
                             "from hub_keys where state <> 'removed' order by kind, number")) {
        items.push_back({{"id", row.text(0)},
                         {"kind", row.text(1)},
                         {"number", row.integer(2)},
                         {"state", row.text(3)},
                         {"createdS", row.integer(4)}});
    }
    return json::value{{"items", std::move(items)}};
}

void drop_old_authorities(const Context& context) {
    constexpr std::int64_t kDay = 86'400;
    context.sql->run(
        "update hub_keys set state = 'removed' where kind = 'ca' and state = 'retired' and exists "
        "(select 1 from hub_keys k where k.kind = 'ca' and k.number = hub_keys.number + 1 and "
        "k.created_s < ?)",
        {context.now_s() - kAuthorityOverlapDays * kDay});
}

std::int64_t keyring_version(const Context& context) {
    const auto row = context.sql->find(
        {"count(*) + coalesce(sum(case when state = 'removed' then 1 else 0 end), 0)"},
        "from hub_keys");
    return row ? row->integer(0) : 0;
}

}  // namespace isthmus::hub
