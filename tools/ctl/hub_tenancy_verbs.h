// Part of hub_verbs(): who may do what.
#pragma once

#include <vector>

#include "tools/ctl/hub_verbs.h"

namespace isthmus::ctl {

[[nodiscard]] std::vector<HubVerb> tenancy_verbs();

}  // namespace isthmus::ctl
