#include "base/log.h"

#include <chrono>
#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

struct State {
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
    state.logger = std::make_shared<spdlog::logger>(
        "isthmus", std::make_shared<spdlog::sinks::stderr_sink_mt>());
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
    s.logger->set_level(to_spdlog(options.level));
    set_pattern(s);
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
