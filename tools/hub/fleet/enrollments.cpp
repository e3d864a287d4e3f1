#include "tools/hub/fleet/enrollments.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/http/base64url.h"
#include "control-agent/channel/certificate.h"
#include "tools/hub/fleet/clusters.h"
#include "tools/hub/fleet/commands.h"
#include "tools/hub/fleet/configurations.h"
#include "tools/hub/fleet/node_status.h"
#include "tools/hub/fleet/nodes.h"
#include "tools/hub/fleet/nonces.h"
#include "tools/hub/tenancy/audit.h"
#include "tools/hub/tenancy/organisations.h"

namespace isthmus::hub {
namespace {

namespace json = boost::json;

std::string context_of(const std::string& code) {
    return "enrollments:" + code;
}

std::unexpected<EnrollmentFailure> fail(std::string step, ErrorCode code, std::string message) {
    return std::unexpected(EnrollmentFailure{
        .step = std::move(step), .error = {.code = code, .message = std::move(message)}});
}

struct Code {
    std::string id;
    std::string organisation;
    std::string cluster;
    std::string cluster_name;
    std::string author;
};

std::expected<Code, EnrollmentFailure> take_code(const Context& context,
                                                 const channel::EnrollmentRequest& request) {
    const auto row =
        context.sql->find({"e.organisation",
                           "e.cluster",
                           "c.name",
                           "e.secret",
                           "e.expires_s",
                           "e.used_s",
                           "e.author"},
                          "from enrollments e join clusters c on c.id = e.cluster where e.id = ?",
                          {request.code});
    if (!row) {
        return fail("code",
                    ErrorCode::kNotFound,
                    "the hub does not know the code, or no more; make a new one with isthmusctl "
                    "hub node add");
    }
    const auto secret = context.master->open(context_of(request.code), row->text(3));
    if (!secret || !channel::proves_secret(request, *secret)) {
        return fail("proof",
                    ErrorCode::kPermissionDenied,
                    "the code's secret is wrong; copy the whole code again");
    }
    // Told only to who has the secret.
    if (row->integer(5) != 0) {
        return fail("code",
                    ErrorCode::kConflict,
                    "the code was used already; each is good for one node: make a new one");
    }
    if (row->integer(4) < context.now_s()) {
        return fail(
            "code",
            ErrorCode::kConflict,
            fmt::format("the code was good until {}; make a new one", timestamp(row->integer(4))));
    }
    return Code{.id = request.code,
                .organisation = row->text(0),
                .cluster = row->text(1),
                .cluster_name = row->text(2),
                .author = row->text(6)};
}

// Machines are called alike more often than one thinks.
std::string free_name(const Context& context,
                      const std::string& organisation,
                      const std::string& name) {
    constexpr int kTriesMax = 1000;
    std::string candidate = name;
    for (int i = 2; i < kTriesMax; ++i) {
        if (!context.sql->find({"id"},
                               "from nodes where organisation = ? and name = ?",
                               {organisation, candidate})) {
            break;
        }
        candidate = fmt::format("{}-{}", name, i);
    }
    return candidate;
}

void insert_node(const Context& context,
                 const channel::EnrollmentRequest& request,
                 const Code& code,
                 const std::string& id,
                 const IssuedCertificate& certificate) {
    const std::string name = free_name(context, code.organisation, request.name);
    const json::object report = {{"versions", request.versions}};
    context.sql->run(
        "insert into nodes(id, organisation, cluster, name, key, sealing_key, state, created_s, "
        "revoked_s, certificate_serial, certificate_until_s, command_sequence, home, fence, "
        "last_seen_s, status, applied_version, applied_state) "
        "values(?, ?, ?, ?, ?, ?, 'enrolled', ?, 0, ?, ?, 0, '', 0, ?, ?, 0, '')",
        {id,
         code.organisation,
         code.cluster,
         name,
         http::encode_base64url(request.key.bytes()),
         http::encode_base64url(request.sealing_key.bytes()),
         context.now_s(),
         certificate.serial,
         certificate.not_after_unix_s,
         context.now_s(),
         json::serialize(report)});
    context.sql->run("update enrollments set used_s = ?, node = ? where id = ?",
                     {context.now_s(), id, code.id});
    record_as(context,
              code.organisation,
              code.author,
              {.action = "node.enroll",
               .object = id,
               .new_value = {{"name", name}, {"clusterId", code.cluster}, {"code", code.id}}});
}

}  // namespace

Result<json::value> add_code(const Context& context,
                             const Keyring& keyring,
                             const CodeRequest& request) {
    if (request.minutes < 1 || request.minutes > kCodeMinutesMax) {
        return make_error(ErrorCode::kInvalidArgument, "a code is good for 1 to 10080 minutes");
    }
    const auto cluster = find_cluster(context, request.cluster);
    if (!cluster) {
        return make_error(ErrorCode::kNotFound,
                          "there is no such cluster; make it with isthmusctl hub cluster add");
    }
    if (auto room = check_quota(context, context.caller->organisation, "nodes"); !room) {
        return std::unexpected(room.error());
    }
    constexpr std::int64_t kMinute = 60;
    const std::string id = context.new_id();
    const std::string secret = channel::random_bytes(*context.random, channel::kCodeSecretBytes);
    const std::int64_t expires_s = context.now_s() + request.minutes * kMinute;
    context.sql->run(
        "insert into enrollments(id, organisation, cluster, secret, author, created_s, expires_s, "
        "failures, used_s, node) values(?, ?, ?, ?, ?, ?, ?, 0, 0, '')",
        {id,
         context.caller->organisation,
         *cluster,
         context.master->seal(*context.random, context_of(id), secret),
         context.caller->name,
         context.now_s(),
         expires_s});
    record(context,
           {.action = "code.add",
            .object = id,
            .new_value = {{"clusterId", *cluster}, {"minutes", request.minutes}}});
    const std::string code =
        channel::write_code({.url = request.url,
                             .fingerprint = keyring.identity.key.public_key().fingerprint(),
                             .id = id,
                             .secret = secret});
    return json::value{{"id", id}, {"code", code}, {"expires", timestamp(expires_s)}};
}

json::value list_codes(const Context& context) {
    json::array items;
    for (const SqlRow& row : context.sql->select(
             {"id", "cluster", "author", "created_s", "expires_s", "used_s", "node"},
             "from enrollments where organisation = ? order by created_s desc",
             {context.caller->organisation})) {
        const bool used = row.integer(5) != 0;
        const bool over = row.integer(4) < context.now_s();
        items.push_back({{"id", row.text(0)},
                         {"clusterId", row.text(1)},
                         {"author", row.text(2)},
                         {"created", timestamp(row.integer(3))},
                         {"expires", timestamp(row.integer(4))},
                         {"state",
                          used   ? "used"
                          : over ? "expired"
                                 : "open"},
                         {"node", row.text(6)}});
    }
    return json::value{{"items", std::move(items)}};
}

Result<void> remove_code(const Context& context, const std::string& id) {
    if (context.sql->run("delete from enrollments where id = ? and organisation = ?",
                         {id, context.caller->organisation}) == 0) {
        return make_error(ErrorCode::kNotFound, "there is no such code");
    }
    record(context, {.action = "code.remove", .object = id});
    return {};
}

std::expected<std::string, EnrollmentFailure> enroll(const Context& context,
                                                     const Keyring& keyring,
                                                     const channel::EnrollmentRequest& request) {
    if (!is_fresh_nonce(keyring.nonce_key, request.nonce, context.now_s())) {
        return fail("nonce",
                    ErrorCode::kConflict,
                    "the hub's challenge is not answered in time; begin again");
    }
    if (!channel::proves_key(request)) {
        return fail("proof",
                    ErrorCode::kPermissionDenied,
                    "the node's key did not sign the request; something on the way changed it");
    }
    const auto code = take_code(context, request);
    if (!code) {
        return std::unexpected(code.error());
    }
    if (auto room = check_quota(context, code->organisation, "nodes"); !room) {
        return std::unexpected(EnrollmentFailure{.step = "quota", .error = room.error()});
    }
    const std::string id = context.new_id();
    const auto certificate =
        keyring.authority.issue_node(id, request.key, *context.random, context.now_s());
    if (!certificate) {
        return std::unexpected(
            EnrollmentFailure{.step = "certificate", .error = certificate.error()});
    }
    insert_node(context, request, *code, id, *certificate);
    if (effective_configuration(context, id).at("version").to_number<std::int64_t>() > 0) {
        if (const auto queued =
                add_command(context, {.node = id, .method = "configuration.apply", .params = {}});
            !queued) {
            return std::unexpected(
                EnrollmentFailure{.step = "configuration", .error = queued.error()});
        }
    }
    return channel::write_enrolled(keyring.identity.key,
                                   request.nonce,
                                   {.node = id,
                                    .cluster = code->cluster,
                                    .cluster_name = code->cluster_name,
                                    .organisation = code->organisation,
                                    .certificate = certificate->pem,
                                    .authorities = keyring.authorities_pem()});
}

std::expected<std::string, EnrollmentFailure> renew(const Context& context,
                                                    const Keyring& keyring,
                                                    const channel::RenewalRequest& request) {
    if (!is_fresh_nonce(keyring.nonce_key, request.nonce, context.now_s())) {
        return fail("nonce",
                    ErrorCode::kConflict,
                    "the hub's challenge is not answered in time; begin again");
    }
    // The key in the database is what counts; the certificate may be of an authority that is gone.
    const auto row = context.sql->find(
        {"n.key", "n.state", "n.organisation", "n.cluster", "c.name", "n.certificate_serial"},
        "from nodes n join clusters c on c.id = n.cluster where n.id = ?",
        {request.node});
    const auto key =
        row ? channel::PublicKey::from_bytes(http::decode_base64url(row->text(0)).value_or(""))
            : std::nullopt;
    if (!key || !request.proves(*key)) {
        return fail("proof",
                    ErrorCode::kPermissionDenied,
                    "the hub does not know a node of that id and key; enrol it anew");
    }
    if (row->text(1) != "enrolled") {
        return fail("state",
                    ErrorCode::kPermissionDenied,
                    "the node was revoked; enrol it anew if it is to come back");
    }
    const auto certificate =
        keyring.authority.issue_node(request.node, *key, *context.random, context.now_s());
    if (!certificate) {
        return std::unexpected(
            EnrollmentFailure{.step = "certificate", .error = certificate.error()});
    }
    note_certificate(context, request.node, certificate->serial, certificate->not_after_unix_s);
    record_as(context,
              row->text(2),
              "node " + request.node,
              {.action = "node.renew",
               .object = request.node,
               .old_value = json::value(row->text(5)),
               .new_value = json::value(certificate->serial)});
    return channel::write_enrolled(keyring.identity.key,
                                   request.nonce,
                                   {.node = request.node,
                                    .cluster = row->text(3),
                                    .cluster_name = row->text(4),
                                    .organisation = row->text(2),
                                    .certificate = certificate->pem,
                                    .authorities = keyring.authorities_pem()});
}

void forget_codes(const Context& context) {
    constexpr std::int64_t kDay = 86'400;
    context.sql->run("delete from enrollments where expires_s < ? and used_s = 0",
                     {context.now_s() - kDay});
}

}  // namespace isthmus::hub
