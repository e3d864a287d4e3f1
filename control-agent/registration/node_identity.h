// Who this node is to its hub, and which hub that is: what enrolment leaves behind, in one private
// file, so that it is there whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "control-agent/channel/certificate.h"
#include "control-agent/channel/crypto.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/hub_trust.h"
#include "control-agent/channel/signing_key.h"

namespace isthmus::registration {

struct NodeIdentity {
    std::string hub_url;  // "https://host:port"
    std::string node;
    std::string cluster;
    std::string cluster_name;
    std::string organisation;
    std::string certificate;  // PEM
    std::string authorities;  // PEM of the hub's CA
    std::vector<channel::Bytes> hub_fingerprints;
    std::vector<channel::PublicKey> hub_keys;  // those that were seen; what commands are checked by
    channel::SigningKey key;
    channel::ExchangeKey sealing_key;

    [[nodiscard]] channel::HubTrust trust() const;
    // What was learnt since.
    void take(const channel::HubTrust& trust);
};

// The file below the agent's state directory.
[[nodiscard]] std::filesystem::path identity_path(const std::filesystem::path& state_directory);

// kNotFound where this machine is not enrolled.
[[nodiscard]] Result<NodeIdentity> load_identity(const std::filesystem::path& path);
// Makes the folder where it is missing.
[[nodiscard]] Result<void> save_identity(const std::filesystem::path& path,
                                         const NodeIdentity& identity);

}  // namespace isthmus::registration
