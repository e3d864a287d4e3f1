// Waiting for loopback: until a descriptor is ready, never for a time.
#pragma once

#include <poll.h>

namespace isthmus::media::transport {

// False where nothing happened for so long that the test has failed.
[[nodiscard]] bool wait_ready(int fd, short events = POLLIN);

}  // namespace isthmus::media::transport
