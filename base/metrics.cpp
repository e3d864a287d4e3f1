#include "base/metrics.h"

#include <spdlog/fmt/fmt.h>

namespace isthmus {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else if (quotes && c == '"') {
            out += "\\\"";
        } else {
            out += c;
        }
    }
}

}  // namespace

void MetricsWriter::counter(std::string_view name, std::string_view help) {
    open(name, help, "counter");
}

void MetricsWriter::gauge(std::string_view name, std::string_view help) {
    open(name, help, "gauge");
}

void MetricsWriter::open(std::string_view name, std::string_view help, std::string_view type) {
    family_ = name;
    text_ += fmt::format("# HELP {} ", name);
    append_escaped(text_, help, false);
    text_ += fmt::format("\n# TYPE {} {}\n", name, type);
}

void MetricsWriter::open_sample(std::initializer_list<Label> labels) {
    text_ += family_;
    char separator = '{';
    for (const auto& [name, value] : labels) {
        text_ += separator;
        text_ += name;
        text_ += "=\"";
        append_escaped(text_, value, true);
        text_ += '"';
        separator = ',';
    }
    if (labels.size() > 0) {
        text_ += '}';
    }
    text_ += ' ';
}

void MetricsWriter::sample(double value, std::initializer_list<Label> labels) {
    open_sample(labels);
    text_ += fmt::format("{}\n", value);
}

void MetricsWriter::sample(std::uint64_t value, std::initializer_list<Label> labels) {
    open_sample(labels);
    text_ += fmt::format("{}\n", value);
}

}  // namespace isthmus
