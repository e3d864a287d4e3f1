#include "control-agent/channel/hub_trust.h"

#include <algorithm>

#include <boost/json/object.hpp>

#include "base/http/base64url.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::string_view kLinkLabel = "isthmus-hub-key-v1";

}  // namespace

HubKeyLink link_hub_key(const SigningKey& previous, const PublicKey& next) {
    return {.key = next, .signature = previous.sign(kLinkLabel, {next.bytes()})};
}

json::array write_hub_keys(std::span<const HubKeyLink> links) {
    json::array out;
    for (const HubKeyLink& link : links) {
        out.push_back({{"key", http::encode_base64url(link.key.bytes())},
                       {"signature", http::encode_base64url(link.signature)}});
    }
    return out;
}

std::optional<std::vector<HubKeyLink>> parse_hub_keys(const json::value& value) {
    const json::array* array = value.if_array();
    if (array == nullptr || array->size() > kHubKeysMax) {
        return std::nullopt;
    }
    std::vector<HubKeyLink> links;
    for (const json::value& entry : *array) {
        const auto key = key_field(entry, "key");
        auto signature = bytes_field(entry, "signature");
        if (!key || !signature) {
            return std::nullopt;
        }
        links.push_back({.key = *key, .signature = std::move(*signature)});
    }
    return links;
}

bool HubTrust::trusts(const PublicKey& key) const {
    return std::ranges::find(fingerprints_, key.fingerprint()) != fingerprints_.end();
}

bool HubTrust::learn(std::span<const HubKeyLink> links) {
    bool learnt = false;
    for (std::size_t i = 0; i < links.size(); ++i) {
        const PublicKey& key = links[i].key;
        if (trusts(key)) {
            remember(key);
            continue;
        }
        // One key back: a key that a key of ours did not sign is nobody's.
        if (i == 0 || !trusts(links[i - 1].key) || fingerprints_.size() >= kHubKeysMax ||
            !links[i - 1].key.verify(kLinkLabel, {key.bytes()}, links[i].signature)) {
            continue;
        }
        fingerprints_.push_back(key.fingerprint());
        remember(key);
        learnt = true;
    }
    return learnt;
}

const PublicKey* HubTrust::find(std::string_view id) const {
    const auto found =
        std::ranges::find_if(keys_, [&](const PublicKey& key) { return key.id() == id; });
    return found == keys_.end() ? nullptr : &*found;
}

void HubTrust::remember(const PublicKey& key) {
    if (trusts(key) && std::ranges::find(keys_, key) == keys_.end()) {
        keys_.push_back(key);
    }
}

}  // namespace isthmus::channel
