// Which hub keys a node believes. It begins with the fingerprint that the enrolment code carried;
// when a hub changes its key, the old key signs the new one, and the node follows these links.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "control-agent/channel/signing_key.h"

namespace isthmus::channel {

// A key of the hub, signed by the one before it in the list ("isthmus-hub-key-v1").
struct HubKeyLink {
    PublicKey key;
    Bytes signature;  // of the first: empty
};

// A hub that changed its key every month for years.
inline constexpr std::size_t kHubKeysMax = 64;

[[nodiscard]] HubKeyLink link_hub_key(const SigningKey& previous, const PublicKey& next);

// [{"key":..,"signature":..}], the oldest first.
[[nodiscard]] boost::json::array write_hub_keys(std::span<const HubKeyLink> links);
[[nodiscard]] std::optional<std::vector<HubKeyLink>> parse_hub_keys(
    const boost::json::value& value);

class HubTrust {
  public:
    // base64url or raw fingerprints of keys that are believed from the start.
    explicit HubTrust(std::vector<Bytes> fingerprints) : fingerprints_(std::move(fingerprints)) {}

    [[nodiscard]] bool trusts(const PublicKey& key) const;

    // Follows the links from what is believed; true where something new is believed now, and the
    // caller stores fingerprints().
    bool learn(std::span<const HubKeyLink> links);

    // Raw, in the order in which they were learnt; the last is the hub's newest.
    [[nodiscard]] const std::vector<Bytes>& fingerprints() const { return fingerprints_; }

    // The key itself, where it was seen: what commands are verified with.
    [[nodiscard]] const PublicKey* find(std::string_view id) const;
    // A key that proved itself (hello, welcome); ignored unless trusted.
    void remember(const PublicKey& key);

  private:
    std::vector<Bytes> fingerprints_;
    std::vector<PublicKey> keys_;
};

}  // namespace isthmus::channel
