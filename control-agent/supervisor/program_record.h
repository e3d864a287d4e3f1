// What is kept on disk of a process, so that the next agent finds it: which process, and what it
// was started with. A process id alone is used again; with the start time and the machine's boot it
// is one process for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace isthmus::supervisor {

struct ProcessIdentity {
    int pid = 0;
    std::uint64_t start_ticks = 0;  // after boot: field 22 of proc(5) /proc/[pid]/stat
    std::string boot_id;            // /proc/sys/kernel/random/boot_id

    friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

struct ProgramRecord {
    ProcessIdentity process;
    std::string digest;  // digest_of() its specification

    friend bool operator==(const ProgramRecord&, const ProgramRecord&) = default;
};

[[nodiscard]] std::string write_record(const ProgramRecord& record);
// Nothing where it is none: a file that a full disk cut off, for one.
[[nodiscard]] std::optional<ProgramRecord> parse_record(std::string_view text);

}  // namespace isthmus::supervisor
