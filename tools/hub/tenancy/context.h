// What the hub's functions are given beside their arguments: the transaction, who asks, the time,
// randomness and the key for secrets. Sans-I/O but for the database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/store/sql.h"
#include "tools/hub/tenancy/caller.h"

namespace isthmus::hub {

struct Context {
    Sql* sql = nullptr;
    const Caller* caller = nullptr;
    std::int64_t now_ms = 0;
    RandomSource* random = nullptr;
    const MasterKey* master = nullptr;

    [[nodiscard]] std::int64_t now_s() const { return now_ms / 1000; }

    // 20 characters, 119 bits: nobody guesses one, and they sort by nothing.
    [[nodiscard]] std::string new_id() const { return random->next_token(20); }
};

// Names of organisations, people, clusters, nodes: what is wrong, else empty.
[[nodiscard]] std::string fault_of_name(std::string_view name);

}  // namespace isthmus::hub
