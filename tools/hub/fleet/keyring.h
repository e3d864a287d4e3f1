// The hub's own keys: the authority that signs certificates and the key that signs commands. They
// lie in the database, encrypted under the master key, so that every instance has the same.
//
// Both rotate with overlap. A signing key is signed by the one before it, and nodes follow the
// links (channel::HubTrust); a channel goes on with the key that it began with. Certificates of an
// earlier authority count until they run out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "control-agent/channel/hub_session.h"
#include "tools/hub/identity/authority.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// Never changes; a rotation makes another.
struct Keyring {
    channel::HubIdentity identity;
    Authority authority;  // the newest: certificates of nodes
    // The oldest that still counts: the HTTPS listener's certificate, so that who knows only that
    // one believes the listener until the overlap is over.
    Authority server_authority;
    std::vector<std::string> authorities;  // PEM, the newest first
    std::string nonce_key;  // for NonceIssuer; of the master key, so the same on every instance

    [[nodiscard]] std::string authorities_pem() const;
};

// Makes the first keys where there are none.
[[nodiscard]] Result<std::shared_ptr<const Keyring>> load_keyring(const Context& context);

enum class HubKeyKind : std::uint8_t { kAuthority, kSigning };

// The instances load the keyring anew afterwards.
[[nodiscard]] Result<void> rotate_key(const Context& context, HubKeyKind kind);
[[nodiscard]] boost::json::value list_hub_keys(const Context& context);

// An earlier authority counts for so long after it was succeeded: longer than a node's certificate.
inline constexpr std::int64_t kAuthorityOverlapDays = kNodeCertificateDays + 30;

void drop_old_authorities(const Context& context);

// Counts the changes, so that other instances see that there was one.
[[nodiscard]] std::int64_t keyring_version(const Context& context);

}  // namespace isthmus::hub
