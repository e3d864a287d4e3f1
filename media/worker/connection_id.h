// Names one participant's connection for as long as the process lives; never used again.
#pragma once

#include <compare>
#include <cstdint>

namespace isthmus::media {

struct ConnectionId {
    std::uint64_t value = 0;

    friend auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
};

}  // namespace isthmus::media
