// What a connector says of itself before it runs: manifest.json in its directory.
//
//     {"name": "example", "version": "1.0.0", "contract": 1, "program": "bin/connector",
//      "configuration": {"type": "object", ...},
//      "permissions": {"hub": ["directory.upsert"], "events": ["directory.*"]}}
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.h"

namespace isthmus::connectors {

inline constexpr std::uint32_t kContractVersion = 1;
inline constexpr std::size_t kManifestBytesMax = 64UL * 1024;

struct ConnectorManifest {
    std::string name;     // [a-z][a-z0-9-]*, at most 32
    std::string version;  // at most 64 characters of [A-Za-z0-9.+~-]
    std::uint32_t contract = kContractVersion;
    std::string description;
    std::string program;  // relative to the manifest's directory, and inside it
    std::vector<std::string> arguments;
    boost::json::value configuration_schema;  // see schema.h
    // Methods of the hub that it may call: exact names, or a prefix that ends with ".*".
    std::vector<std::string> hub_methods;
    // Kinds of events that it may emit, written likewise.
    std::vector<std::string> events;
    std::uint64_t memory_bytes = 256ULL * 1024 * 1024;

    [[nodiscard]] bool may_call(std::string_view method) const;
    [[nodiscard]] bool may_emit(std::string_view kind) const;
};

[[nodiscard]] Result<ConnectorManifest> parse_manifest(std::string_view text);
[[nodiscard]] Result<ConnectorManifest> load_manifest(const std::string& directory);

}  // namespace isthmus::connectors
