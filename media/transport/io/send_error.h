// What the errors of a UDP socket mean for the datagram at hand.
#pragma once

namespace isthmus::media::transport {

// Somebody answered by ICMP, or there is no route: this receiver's matter, not the socket's.
[[nodiscard]] bool is_unreachable(int error);

// The kernel has no room now.
[[nodiscard]] bool is_full(int error);

// What the kernel says of a segmented message that it, the route or the device will not segment.
[[nodiscard]] bool is_segmentation_refusal(int error);

}  // namespace isthmus::media::transport
