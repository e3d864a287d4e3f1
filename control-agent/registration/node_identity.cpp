#include "control-agent/registration/node_identity.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"

namespace isthmus::registration {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kFileBytesMax = 256UL * 1024;
constexpr std::int64_t kFormat = 1;

json::array encode_all(const auto& values, auto bytes_of) {
    json::array encoded;
    for (const auto& value : values) {
        encoded.emplace_back(http::encode_base64url(bytes_of(value)));
    }
    return encoded;
}

// The bytes of a list of base64url texts; nothing where one is none.
std::optional<std::vector<channel::Bytes>> decode_all(const json::value& value,
                                                      std::string_view name) {
    const json::value* const list = channel::find_field(value, name);
    if (list == nullptr || !list->is_array()) {
        return std::nullopt;
    }
    std::vector<channel::Bytes> decoded;
    for (const json::value& item : list->get_array()) {
        const auto bytes = item.is_string()
                               ? http::decode_base64url(std::string_view(item.get_string()))
                               : std::nullopt;
        if (!bytes) {
            return std::nullopt;
        }
        decoded.push_back(*bytes);
    }
    return decoded;
}

std::optional<NodeIdentity> parse(const json::value& value) {
    const auto key = channel::SigningKey::from_pem(channel::text_field(value, "key").value_or(""));
    const auto sealing_key =
        channel::ExchangeKey::from_pem(channel::text_field(value, "sealing_key").value_or(""));
    auto fingerprints = decode_all(value, "hub_fingerprints");
    const auto hub_keys = decode_all(value, "hub_keys");
    if (channel::integer_field(value, "format") != kFormat || !key || !sealing_key ||
        !fingerprints || fingerprints->empty() || !hub_keys) {
        return std::nullopt;
    }
    NodeIdentity identity{
        .hub_fingerprints = std::move(*fingerprints), .key = *key, .sealing_key = *sealing_key};
    for (const channel::Bytes& bytes : *hub_keys) {
        const auto hub_key = channel::PublicKey::from_bytes(bytes);
        if (!hub_key) {
            return std::nullopt;
        }
        identity.hub_keys.push_back(*hub_key);
    }
    for (const auto& [name, field] : {std::pair{"hub", &identity.hub_url},
                                      {"node", &identity.node},
                                      {"cluster", &identity.cluster},
                                      {"cluster_name", &identity.cluster_name},
                                      {"organisation", &identity.organisation},
                                      {"certificate", &identity.certificate},
                                      {"authorities", &identity.authorities}}) {
        auto text = channel::text_field(value, name);
        if (!text) {
            return std::nullopt;
        }
        *field = std::move(*text);
    }
    return identity;
}

}  // namespace

channel::HubTrust NodeIdentity::trust() const {
    channel::HubTrust trust(hub_fingerprints);
    for (const channel::PublicKey& hub_key : hub_keys) {
        trust.remember(hub_key);
    }
    return trust;
}

void NodeIdentity::take(const channel::HubTrust& trust) {
    hub_fingerprints = trust.fingerprints();
    std::vector<channel::PublicKey> known;
    for (const channel::Bytes& fingerprint : hub_fingerprints) {
        if (const auto* const seen = trust.find(http::encode_base64url(fingerprint))) {
            known.push_back(*seen);
        }
    }
    hub_keys = std::move(known);
}

fs::path identity_path(const fs::path& state_directory) {
    return state_directory / "identity.json";
}

Result<NodeIdentity> load_identity(const fs::path& path) {
    const auto text = channel::read_private_file(path, kFileBytesMax);
    if (!text) {
        if (text.error().code == ErrorCode::kNotFound) {
            return make_error(ErrorCode::kNotFound,
                              "this machine is not enrolled (there is no " + path.string() +
                                  "); ask for a code (isthmusctl hub node add) and run "
                                  "isthmus-agent enroll CODE");
        }
        return std::unexpected(text.error());
    }
    const auto value = channel::parse_json(*text, kFileBytesMax);
    auto identity = value ? parse(*value) : std::nullopt;
    if (!identity) {
        return make_error(ErrorCode::kInvalidArgument,
                          path.string() +
                              " is damaged, or of a newer agent; bring it back from a backup, or "
                              "enrol this machine again with a new code and --replace");
    }
    return std::move(*identity);
}

Result<void> save_identity(const fs::path& path, const NodeIdentity& identity) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) {
        return make_error(ErrorCode::kUnavailable,
                          "cannot make " + path.parent_path().string() + ": " + error.message());
    }
    const json::object value{
        {"format", kFormat},
        {"hub", identity.hub_url},
        {"node", identity.node},
        {"cluster", identity.cluster},
        {"cluster_name", identity.cluster_name},
        {"organisation", identity.organisation},
        {"certificate", identity.certificate},
        {"authorities", identity.authorities},
        {"hub_fingerprints",
         encode_all(identity.hub_fingerprints,
                    [](const channel::Bytes& bytes) { return std::string_view(bytes); })},
        {"hub_keys",
         encode_all(identity.hub_keys,
                    [](const channel::PublicKey& hub_key) { return hub_key.bytes(); })},
        {"key", identity.key.to_pem()},
        {"sealing_key", identity.sealing_key.to_pem()}};
    return channel::write_private_file(path, json::serialize(value) + "\n");
}

}  // namespace isthmus::registration
