// What one message with UDP_SEGMENT may hold.
#pragma once

#include <cstddef>

namespace isthmus::media::transport {

// UDP_MAX_SEGMENTS before Linux 6.9.
inline constexpr std::size_t kSegmentsMax = 64;
// Below 65507, the largest IPv4 payload, as a segmented message is one until it is cut.
inline constexpr std::size_t kSegmentedBytesMax = 65000;

}  // namespace isthmus::media::transport
