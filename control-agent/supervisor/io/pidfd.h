// pidfd_open(2) and pidfd_send_signal(2): glibc 2.36 declares them for C only.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace isthmus::supervisor {

inline int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
}

inline int send_signal(int pidfd, int number) {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0U));
}

}  // namespace isthmus::supervisor
