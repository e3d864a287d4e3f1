// The file that a program's standard output and error go to, read as it grows.
//
// A file, because it is there whether or not an agent is: a pipe would break with the agent that
// reads it, or fill up and stop a media node. It is appended to by the program and emptied by the
// agent when it has grown to kLogFileBytesMax and is read. While no agent is there the program
// keeps it short itself, where it was asked to (log::kFileBytesVariable) and can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/error.h"
#include "control-agent/supervisor/io/file_descriptor.h"

namespace isthmus::supervisor {

inline constexpr std::uint64_t kLogFileBytesMax = 4ULL * 1024 * 1024;
// Emptied although it is not read: the program writes faster than anybody reads.
inline constexpr std::uint64_t kLogFloodBytesMax = 4 * kLogFileBytesMax;
// What one look reads at most.
inline constexpr std::uint64_t kLogReadBytesMax = 256ULL * 1024;

class LogFile {
  public:
    // Makes it where it is not there. `from_the_end`: begins kLogReadBytesMax before its end, for
    // a program that ran before.
    [[nodiscard]] static Result<LogFile> open(const std::filesystem::path& path, bool from_the_end);

    // For the program.
    [[nodiscard]] int descriptor() const { return file_.get(); }

    // Reads what is new; `gap` hears of bytes that were passed over. True: there is more.
    bool read(const std::function<void(std::string_view)>& bytes,
              const std::function<void(std::uint64_t)>& gap);

  private:
    void read_to(std::uint64_t end, const std::function<void(std::string_view)>& bytes);

    LogFile(FileDescriptor file, std::uint64_t offset) : file_(std::move(file)), offset_(offset) {}

    FileDescriptor file_;
    std::uint64_t offset_ = 0;
};

}  // namespace isthmus::supervisor
