// The process's log: text or JSON lines on standard error. Any thread. Never per packet.
//
//     log::info("whip", "conference {} joined by {}", name, identity);
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace isthmus::log {

enum class Level : unsigned char { kDebug, kInfo, kWarning, kError };
enum class Format : unsigned char { kText, kJson };

struct Options {
    Level level = Level::kInfo;
    Format format = Format::kText;
    // Where standard error is a regular file: beyond this size its oldest lines go. 0: no bound.
    std::uint64_t file_bytes_max = 0;
};

// What a supervisor that may go away asks of the programs that it leaves behind: a number of bytes
// in the environment. 0 where it does not.
inline constexpr const char* kFileBytesVariable = "ISTHMUS_LOG_FILE_BYTES";
[[nodiscard]] std::uint64_t file_bytes_wanted();

// Call once, before other threads start; until then the defaults hold.
void configure(const Options& options);

[[nodiscard]] bool enabled(Level level);

// `component` is the folder that speaks, e.g. "whip". Control characters in `message` are escaped:
// text that came from a client cannot forge a line.
void write(Level level, std::string_view component, std::string_view message);

template <typename... Args>
void debug(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::kDebug)) {
        write(Level::kDebug, component, fmt::format(format, std::forward<Args>(args)...));
    }
}

template <typename... Args>
void info(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::kInfo)) {
        write(Level::kInfo, component, fmt::format(format, std::forward<Args>(args)...));
    }
}

template <typename... Args>
void warning(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::kWarning)) {
        write(Level::kWarning, component, fmt::format(format, std::forward<Args>(args)...));
    }
}

template <typename... Args>
void error(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::kError)) {
        write(Level::kError, component, fmt::format(format, std::forward<Args>(args)...));
    }
}

}  // namespace isthmus::log
