#include "control-agent/channel/enrollment.h"

#include <array>
#include <utility>

#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "base/http/utf8.h"
#include "control-agent/channel/certificate.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::int64_t kCodeVersion = 1;
constexpr std::string_view kHelloLabel = "isthmus-hello-v1";
constexpr std::string_view kEnrollLabel = "isthmus-enroll-v1";
constexpr std::string_view kEnrolledLabel = "isthmus-enrolled-v1";
constexpr std::string_view kRenewLabel = "isthmus-renew-v1";
constexpr std::size_t kAnswerBytesMax = 128UL * 1024;
constexpr std::size_t kIdBytesMax = 64;

std::string encoded(std::string_view bytes) {
    return http::encode_base64url(bytes);
}

std::unexpected<Error> bad_code(std::string_view what) {
    return make_error(ErrorCode::kInvalidArgument,
                      std::string("this is not a whole enrolment code (") + std::string(what) +
                          "); copy it again, from its first character to its last");
}

std::unexpected<Error> malformed(std::string_view what) {
    return make_error(ErrorCode::kInvalidArgument, std::string(what));
}

std::optional<std::string> id_field(const json::value& object, std::string_view name) {
    auto id = text_field(object, name);
    return id && !id->empty() && id->size() <= kIdBytesMax ? std::move(id) : std::nullopt;
}

bool good_name(const std::string& name) {
    return !name.empty() && name.size() <= kNameBytesMax && http::is_utf8(name) &&
           !http::has_control_characters(name);
}

}  // namespace

std::string write_code(const EnrollmentCode& code) {
    return encoded(json::serialize(json::object{{"v", kCodeVersion},
                                                {"u", code.url},
                                                {"f", encoded(code.fingerprint)},
                                                {"i", code.id},
                                                {"s", encoded(code.secret)}}));
}

Result<EnrollmentCode> read_code(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    const std::size_t last = text.find_last_not_of(kSpace);
    text =
        first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
    if (text.size() > kCodeBytesMax) {
        return bad_code("it is too long");
    }
    const auto decoded = http::decode_base64url(text);
    const auto value = decoded ? parse_json(*decoded, kCodeBytesMax) : std::nullopt;
    if (!value) {
        return bad_code("part of it is missing or changed");
    }
    const auto version = integer_field(*value, "v");
    if (version && *version != kCodeVersion) {
        return make_error(ErrorCode::kInvalidArgument,
                          "the enrolment code is of a newer hub; upgrade this agent");
    }
    auto url = text_field(*value, "u");
    auto fingerprint = bytes_field(*value, "f", kHashBytes);
    auto id = id_field(*value, "i");
    auto secret = bytes_field(*value, "s", kCodeSecretBytes);
    if (!version || !url || !url->starts_with("https://") || http::has_control_characters(*url) ||
        !fingerprint || !id || !secret) {
        return bad_code("it names no hub, or no secret");
    }
    return EnrollmentCode{.url = std::move(*url),
                          .fingerprint = std::move(*fingerprint),
                          .id = std::move(*id),
                          .secret = std::move(*secret)};
}

std::string write_hello(const SigningKey& hub,
                        std::span<const HubKeyLink> links,
                        std::string_view agent_nonce,
                        std::string_view hub_nonce,
                        std::int64_t now_unix_s) {
    const Bytes signature =
        hub.sign(kHelloLabel, {agent_nonce, hub_nonce, std::to_string(now_unix_s)});
    return json::serialize(json::object{{"key", encoded(hub.public_key().bytes())},
                                        {"nonce", encoded(hub_nonce)},
                                        {"time", now_unix_s},
                                        {"signature", encoded(signature)},
                                        {"keys", write_hub_keys(links)}});
}

Result<EnrollmentHello> read_hello(std::string_view body,
                                   std::string_view agent_nonce,
                                   HubTrust& trust) {
    const auto value = parse_json(body, kAnswerBytesMax);
    const auto key = value ? key_field(*value, "key") : std::nullopt;
    auto nonce = value ? bytes_field(*value, "nonce", kNonceBytes) : std::nullopt;
    const auto time = value ? integer_field(*value, "time") : std::nullopt;
    const auto signature = value ? bytes_field(*value, "signature", kSignatureBytes) : std::nullopt;
    const json::value* keys = value ? find_field(*value, "keys") : nullptr;
    const auto links = keys != nullptr ? parse_hub_keys(*keys) : std::nullopt;
    if (!key || !nonce || !time || !signature || !links) {
        return malformed(
            "what answered is not a hub; check the address in the code, and whether "
            "a proxy answers in its place");
    }
    if (!key->verify(kHelloLabel, {agent_nonce, *nonce, std::to_string(*time)}, *signature)) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the hub did not prove that it has the key that it shows; something on "
                          "the way answers in its place");
    }
    trust.learn(*links);
    if (!trust.trusts(*key)) {
        return make_error(ErrorCode::kPermissionDenied,
                          "this is not the hub that the code was made by (its key has another "
                          "fingerprint); ask for a new code, and check the address in it");
    }
    trust.remember(*key);
    return EnrollmentHello{.key = *key, .nonce = std::move(*nonce), .unix_s = *time};
}

std::string write_enroll(const EnrollmentCode& code,
                         const EnrollmentHello& hello,
                         const EnrollmentIdentity& identity) {
    const std::array<std::string_view, 4> fields = {hello.nonce,
                                                    identity.key->public_key().bytes(),
                                                    identity.sealing_key->public_key().bytes(),
                                                    identity.name};
    const Bytes proof = hmac_sha256(code.secret, statement(kEnrollLabel, fields));
    const Bytes signature =
        identity.key->sign(kEnrollLabel, {fields[0], fields[1], fields[2], fields[3]});
    return json::serialize(json::object{{"code", code.id},
                                        {"nonce", encoded(hello.nonce)},
                                        {"name", identity.name},
                                        {"key", encoded(fields[1])},
                                        {"sealing_key", encoded(fields[2])},
                                        {"versions", identity.versions},
                                        {"proof", encoded(proof)},
                                        {"signature", encoded(signature)}});
}

Result<EnrollmentRequest> read_enroll(std::string_view body) {
    const auto value = parse_json(body, kEnrollBytesMax);
    if (!value) {
        return malformed("the body is not JSON, or longer than 16 KiB");
    }
    auto code = id_field(*value, "code");
    auto nonce = bytes_field(*value, "nonce", kNonceBytes);
    auto name = text_field(*value, "name");
    const auto key = key_field(*value, "key");
    const auto sealing_key = exchange_key_field(*value, "sealing_key");
    auto proof = bytes_field(*value, "proof", kHashBytes);
    auto signature = bytes_field(*value, "signature", kSignatureBytes);
    if (!code || !nonce || !name || !key || !sealing_key || !proof || !signature) {
        return malformed(
            "code, nonce, name, key, sealing_key, proof and signature must be there, "
            "bytes as base64url without padding");
    }
    if (!good_name(*name)) {
        return malformed("the node's name must be 1 to 253 bytes without control characters");
    }
    EnrollmentRequest request{.code = std::move(*code),
                              .nonce = std::move(*nonce),
                              .name = std::move(*name),
                              .key = *key,
                              .sealing_key = *sealing_key,
                              .versions = {},
                              .proof = std::move(*proof),
                              .signature = std::move(*signature)};
    if (const json::object* versions = object_field(*value, "versions")) {
        request.versions = *versions;
    }
    return request;
}

bool proves_secret(const EnrollmentRequest& request, std::string_view secret) {
    const Bytes expected = hmac_sha256(
        secret,
        statement(kEnrollLabel,
                  {request.nonce, request.key.bytes(), request.sealing_key.bytes(), request.name}));
    return equal_secrets(expected, request.proof);
}

bool proves_key(const EnrollmentRequest& request) {
    return request.key.verify(
        kEnrollLabel,
        {request.nonce, request.key.bytes(), request.sealing_key.bytes(), request.name},
        request.signature);
}

std::string write_enrolled(const SigningKey& hub,
                           std::string_view hub_nonce,
                           const Enrolled& enrolled) {
    const Bytes signature = hub.sign(kEnrolledLabel, {hub_nonce, enrolled.certificate});
    return json::serialize(
        json::object{{"node", enrolled.node},
                     {"cluster", {{"id", enrolled.cluster}, {"name", enrolled.cluster_name}}},
                     {"organisation", enrolled.organisation},
                     {"certificate", enrolled.certificate},
                     {"ca", enrolled.authorities},
                     {"signature", encoded(signature)}});
}

Result<Enrolled> read_enrolled(std::string_view body,
                               const EnrollmentHello& hello,
                               const PublicKey& node_key) {
    const auto value = parse_json(body, kAnswerBytesMax);
    auto node = value ? id_field(*value, "node") : std::nullopt;
    const json::value* cluster = value ? find_field(*value, "cluster") : nullptr;
    auto cluster_id = cluster != nullptr ? text_field(*cluster, "id") : std::nullopt;
    auto cluster_name = cluster != nullptr ? text_field(*cluster, "name") : std::nullopt;
    auto organisation = value ? text_field(*value, "organisation") : std::nullopt;
    auto certificate = value ? text_field(*value, "certificate") : std::nullopt;
    auto authorities = value ? text_field(*value, "ca") : std::nullopt;
    const auto signature = value ? bytes_field(*value, "signature", kSignatureBytes) : std::nullopt;
    if (!node || !cluster_id || !cluster_name || !organisation || !certificate || !authorities ||
        !signature) {
        return malformed("the hub's answer is incomplete");
    }
    if (!hello.key.verify(kEnrolledLabel, {hello.nonce, *certificate}, *signature)) {
        return make_error(ErrorCode::kPermissionDenied,
                          "the hub did not sign its answer; something on the way changed it");
    }
    const auto parsed = read_certificate(*certificate);
    if (!parsed || parsed->key != node_key || parsed->node != *node) {
        return malformed("the hub sent a certificate that is not this node's");
    }
    return Enrolled{.node = std::move(*node),
                    .cluster = std::move(*cluster_id),
                    .cluster_name = std::move(*cluster_name),
                    .organisation = std::move(*organisation),
                    .certificate = std::move(*certificate),
                    .authorities = std::move(*authorities)};
}

std::string write_renew(const SigningKey& node_key,
                        const EnrollmentHello& hello,
                        std::string_view node,
                        std::string_view certificate) {
    return json::serialize(json::object{
        {"node", node},
        {"nonce", encoded(hello.nonce)},
        {"certificate", certificate},
        {"signature", encoded(node_key.sign(kRenewLabel, {hello.nonce, certificate}))}});
}

bool RenewalRequest::proves(const PublicKey& key) const {
    return key.verify(kRenewLabel, {nonce, certificate}, signature);
}

Result<RenewalRequest> read_renew(std::string_view body) {
    const auto value = parse_json(body, kEnrollBytesMax);
    auto node = value ? id_field(*value, "node") : std::nullopt;
    auto nonce = value ? bytes_field(*value, "nonce", kNonceBytes) : std::nullopt;
    auto certificate = value ? text_field(*value, "certificate") : std::nullopt;
    auto signature = value ? bytes_field(*value, "signature", kSignatureBytes) : std::nullopt;
    if (!node || !nonce || !certificate || !signature) {
        return malformed("node, nonce, certificate and signature must be there");
    }
    return RenewalRequest{.node = std::move(*node),
                          .nonce = std::move(*nonce),
                          .certificate = std::move(*certificate),
                          .signature = std::move(*signature)};
}

}  // namespace isthmus::channel
