#include "tests/media/transport/io/wait.h"

namespace isthmus::media::transport {

bool wait_ready(int fd, short events) {
    pollfd waited{.fd = fd, .events = events, .revents = 0};
    return ::poll(&waited, 1, 10'000) == 1;
}

}  // namespace isthmus::media::transport
