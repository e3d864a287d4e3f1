// JSON merge patch (RFC 7396).
#pragma once

#include <boost/json/value.hpp>

namespace isthmus::hub {

// Both came through a parser with a limit on depth.
void merge_patch(boost::json::value& target, const boost::json::value& patch);

}  // namespace isthmus::hub
