#include "base/log.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/bounded_file.h"

namespace isthmus::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::kDebug:
            return spdlog::level::debug;
        case Level::kInfo:
            return spdlog::level::info;
        case Level::kWarning:
            return spdlog::level::warn;
        case Level::kError:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

// Escapes as JSON strings do (RFC 8259 section 7); in text logs too, where it keeps one event on
// one line.
std::string escape(std::string_view text, bool quotes) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (quotes && (c == '"' || c == '\\')) {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out;
}

class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    void bound(std::uint64_t bytes_max) {
        const std::lock_guard lock(mutex_);
        file_ = BoundedFile(STDERR_FILENO, bytes_max);
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        std::fwrite(line.data(), 1, line.size(), stderr);
        file_.on_written(line.size());
    }

    void flush_() override { std::fflush(stderr); }

  private:
    BoundedFile file_{STDERR_FILENO, 0};
};

struct State {
    std::shared_ptr<StderrSink> sink;
    std::shared_ptr<spdlog::logger> logger;
    Format format = Format::kText;
};

void set_pattern(State& state) {
    state.logger->set_pattern(state.format == Format::kJson
                                  ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})"
                                  : "%Y-%m-%dT%H:%M:%S.%eZ %L %v",
                              spdlog::pattern_time_type::utc);
}

State make_state() {
    State state;
    state.sink = std::make_shared<StderrSink>();
    state.logger = std::make_shared<spdlog::logger>("isthmus", state.sink);
    state.logger->flush_on(spdlog::level::debug);
    set_pattern(state);
    return state;
}

State& state() {
    static State instance = make_state();
    return instance;
}

}  // namespace

void configure(const Options& options) {
    State& s = state();
    s.format = options.format;
    s.sink->bound(options.file_bytes_max);
    s.logger->set_level(to_spdlog(options.level));
    set_pattern(s);
}

std::uint64_t file_bytes_wanted() {
    // At the start, before other threads.
    const char* const text = std::getenv(kFileBytesVariable);  // NOLINT(concurrency-mt-unsafe)
    std::uint64_t bytes = 0;
    if (text != nullptr) {
        std::from_chars(text, text + std::strlen(text), bytes);
    }
    return bytes;
}

bool enabled(Level level) {
    return state().logger->should_log(to_spdlog(level));
}

void write(Level level, std::string_view component, std::string_view message) {
    State& s = state();
    if (s.format == Format::kJson) {
        s.logger->log(to_spdlog(level),
                      fmt::format(R"("component":"{}","message":"{}")",
                                  escape(component, true),
                                  escape(message, true)));
    } else {
        s.logger->log(to_spdlog(level), fmt::format("[{}] {}", component, escape(message, false)));
    }
}

}  // namespace isthmus::log
