// The media workers of this machine, as the configuration wants them.
#pragma once

#include "base/error.h"
#include "tools/node/node.h"

namespace isthmus::node {

[[nodiscard]] Result<MediaPlane> make_local_media(const NodeConfig& config, TaskExecutor executor);

}  // namespace isthmus::node
