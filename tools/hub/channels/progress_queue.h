// What a node said of its commands and the database has not kept yet. Internal to this folder.
//
// A node says it once for each channel, and a hundred commands may end at the same time: what
// cannot be written at once waits for what is under way, or for a database that is away, and is
// then written together, in order. Bounded by bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "control-agent/channel/json_rpc.h"
#include "tools/hub/fleet/commands.h"

namespace isthmus::hub {

class ProgressQueue {
  public:
    struct Told {
        std::optional<channel::RpcId> id;  // of the request that said so
        Progress progress;
    };

    using Batch = std::vector<Told>;

    // False where it is too much.
    [[nodiscard]] bool add(Told told);
    // All that waits, to be written; empty where nothing does, or a batch is under way. One of the
    // two below ends it.
    [[nodiscard]] Batch begin_batch();

    void end_batch() { under_way_ = false; }

    // It was not written.
    void put_back(Batch batch);

  private:
    Batch waiting_;
    std::size_t bytes_ = 0;  // of what waits
    bool under_way_ = false;
};

}  // namespace isthmus::hub
