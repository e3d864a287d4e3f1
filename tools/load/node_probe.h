// Looks at a node from outside: CPU time of its threads and its memory, from /proc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace isthmus::load {

struct NodeThread {
    int id = 0;
    std::string name;
    std::uint64_t cpu_ns = 0;
};

struct NodeUsage {
    std::vector<NodeThread> threads;
    std::uint64_t rss_bytes = 0;

    [[nodiscard]] std::uint64_t cpu_ns() const {
        std::uint64_t sum = 0;
        for (const NodeThread& thread : threads) {
            sum += thread.cpu_ns;
        }
        return sum;
    }
};

// kNotFound where there is no such process, or it is not ours to look at.
[[nodiscard]] Result<NodeUsage> read_node_usage(int pid);

// The process may run on one of `cpus`, or, where those are none, on any that this thread may.
[[nodiscard]] bool shares_cores(int pid, std::span<const int> cpus);

// The first field of /proc/PID/task/TID/schedstat, nanoseconds on a CPU; 0 where it is no number.
[[nodiscard]] std::uint64_t parse_schedstat(const std::string& text);
// The second field of /proc/PID/statm, pages.
[[nodiscard]] std::uint64_t parse_resident_pages(const std::string& text);

}  // namespace isthmus::load
