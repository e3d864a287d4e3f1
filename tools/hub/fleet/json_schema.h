// JSON Schema, as much as configurations need: type, properties, required, additionalProperties
// (false), items, enum, minimum, maximum, minLength. What else a schema says is not looked at.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace isthmus::hub {

// The first thing that is wrong, with its path ("media.workers: must be an integer"), else empty.
// Schema and value came through a parser with a limit on depth.
[[nodiscard]] std::string fault_of_value(const boost::json::value& schema,
                                         const boost::json::value& value);

}  // namespace isthmus::hub
