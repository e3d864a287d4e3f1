// gzip (RFC 1952), for join requests.
#pragma once

#include <string>
#include <string_view>

namespace isthmus::load {

[[nodiscard]] std::string gzip(std::string_view plain);

}  // namespace isthmus::load
