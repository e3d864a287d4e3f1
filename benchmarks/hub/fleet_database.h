// A hub's data directory with many nodes in it, made without the hub: enrolment of each over HTTPS
// would take longer than what is measured.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "tests/tools/hub/scripted_agent.h"

namespace isthmus::hub {

// Identities without an address; the authority's certificate is <data>/ca.crt once the hub ran.
[[nodiscard]] Result<std::vector<ScriptedIdentity>> make_fleet_database(
    const std::filesystem::path& data, RandomSource& random, std::size_t nodes);

}  // namespace isthmus::hub
