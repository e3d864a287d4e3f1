#include "base/config_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <memory>
#include <numeric>

#include <spdlog/fmt/fmt.h>

namespace isthmus {
namespace {

// Levenshtein's distance: how many characters somebody mistyped.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

template <typename Names>
std::string suggestion(std::string_view wrong, const Names& names) {
    std::string_view nearest;
    std::size_t best = std::max<std::size_t>(2, wrong.size() / 3) + 1;
    for (const auto& name : names) {
        if (const std::size_t d = distance(wrong, name); d < best) {
            best = d;
            nearest = name;
        }
    }
    return nearest.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", nearest);
}

template <typename Names>
std::string joined(const Names& names) {
    std::string text;
    for (const auto& name : names) {
        text += text.empty() ? "" : ", ";
        text += name;
    }
    return text;
}

}  // namespace

void ConfigProblems::add(std::size_t line, std::string_view path, std::string_view what) {
    lines_.emplace_back(
        line, fmt::format("{}:{}: {}{}{}", file_, line, path, path.empty() ? "" : ": ", what));
}

std::string ConfigProblems::text() const {
    auto sorted = lines_;
    std::ranges::sort(sorted);
    std::string text;
    for (const auto& [line, problem] : sorted) {
        text += text.empty() ? "" : "\n";
        text += problem;
    }
    return text;
}

ConfigReader::ConfigReader(const ConfigNode& node, ConfigProblems& problems, std::string path)
    : node_(&node), problems_(&problems), path_(std::move(path)) {
    if (node.kind != ConfigNode::Kind::kMap && node.kind != ConfigNode::Kind::kNull) {
        problems.add(node.line, path_, "this must hold keys and values, e.g. \"key: value\"");
    }
}

std::string ConfigReader::path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const ConfigNode* ConfigReader::find(std::string_view key) {
    known_.emplace(key);
    if (node_->kind != ConfigNode::Kind::kMap) {
        return nullptr;
    }
    const auto found = std::ranges::find(node_->children, key, &ConfigNode::key);
    return found == node_->children.end() ? nullptr : &*found;
}

const ConfigNode* ConfigReader::scalar(std::string_view key) {
    const ConfigNode* node = find(key);
    if (node != nullptr && node->kind != ConfigNode::Kind::kScalar) {
        problems_->add(node->line, path_of(key), "a single value must stand here");
        return nullptr;
    }
    return node;
}

const ConfigNode* ConfigReader::list(std::string_view key) {
    const ConfigNode* node = find(key);
    if (node != nullptr && node->kind != ConfigNode::Kind::kList) {
        problems_->add(node->line, path_of(key), "a list must stand here, e.g. [a, b] or []");
        return nullptr;
    }
    return node;
}

void ConfigReader::read(std::string_view key, bool& out) {
    read<bool>(key, out, {{"true", true}, {"false", false}});
}

void ConfigReader::read(std::string_view key, std::string& out) {
    if (const ConfigNode* node = scalar(key)) {
        out = node->scalar;
    }
}

void ConfigReader::read(std::string_view key, std::vector<std::string>& out) {
    const ConfigNode* node = list(key);
    if (node == nullptr) {
        return;
    }
    out.clear();
    for (const ConfigNode& child : node->children) {
        if (child.kind == ConfigNode::Kind::kScalar) {
            out.push_back(child.scalar);
        } else {
            problems_->add(child.line, path_of(key), "each entry must be a single value");
        }
    }
}

void ConfigReader::read(std::string_view key, Duration& out) {
    const ConfigNode* node = scalar(key);
    if (node == nullptr) {
        return;
    }
    if (const auto value = parse_duration(node->scalar)) {
        out = *value;
    } else {
        problems_->add(
            node->line,
            path_of(key),
            fmt::format("\"{}\" is no duration; write e.g. 250ms, 10s, 5m or 12h", node->scalar));
    }
}

std::optional<std::uint64_t> ConfigReader::read_integer(std::string_view key,
                                                        std::uint64_t min,
                                                        std::uint64_t max) {
    const ConfigNode* node = scalar(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const char* end = node->scalar.data() + node->scalar.size();
    const auto [rest, error] = std::from_chars(node->scalar.data(), end, value);
    if (error != std::errc{} || rest != end || value < min || value > max) {
        problems_->add(
            node->line,
            path_of(key),
            fmt::format("\"{}\" is no whole number from {} to {}", node->scalar, min, max));
        return std::nullopt;
    }
    return value;
}

void ConfigReader::refuse_choice(const ConfigNode& node,
                                 std::string_view key,
                                 const std::vector<std::string_view>& names) {
    problems_->add(node.line,
                   path_of(key),
                   fmt::format("\"{}\" is not one of {}{}",
                               node.scalar,
                               joined(names),
                               suggestion(node.scalar, names)));
}

std::optional<ConfigReader> ConfigReader::section(std::string_view key) {
    const ConfigNode* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    return ConfigReader(*node, *problems_, path_of(key));
}

std::vector<ConfigReader> ConfigReader::sections(std::string_view key) {
    std::vector<ConfigReader> readers;
    if (const ConfigNode* node = list(key)) {
        for (std::size_t i = 0; i < node->children.size(); ++i) {
            readers.emplace_back(
                node->children[i], *problems_, fmt::format("{}[{}]", path_of(key), i));
        }
    }
    return readers;
}

std::vector<std::pair<std::string, std::string>> ConfigReader::entries() {
    std::vector<std::pair<std::string, std::string>> all;
    for (const ConfigNode& child : node_->children) {
        if (const ConfigNode* value = scalar(child.key)) {
            all.emplace_back(value->key, value->scalar);
        }
    }
    return all;
}

void ConfigReader::refuse(std::string_view key, std::string_view what) {
    const ConfigNode* node = find(key);
    problems_->add(node == nullptr ? node_->line : node->line, path_of(key), what);
}

void ConfigReader::finish() {
    if (node_->kind != ConfigNode::Kind::kMap) {
        return;
    }
    for (const ConfigNode& child : node_->children) {
        if (!known_.contains(child.key)) {
            const std::string near = suggestion(child.key, known_);
            problems_->add(
                child.line,
                path_of(child.key),
                "there is no such key" +
                    (near.empty() ? fmt::format("; known here: {}", joined(known_)) : near));
        }
    }
}

std::optional<Duration> parse_duration(std::string_view text) {
    using std::chrono::duration_cast;
    static constexpr std::array<std::pair<std::string_view, Duration>, 5> kUnits = {{
        {"ms", std::chrono::milliseconds(1)},
        {"s", std::chrono::seconds(1)},
        {"m", std::chrono::minutes(1)},
        {"h", std::chrono::hours(1)},
        {"d", std::chrono::hours(24)},
    }};
    std::int64_t count = 0;
    const char* const end = std::to_address(text.end());
    const auto [rest, error] = std::from_chars(std::to_address(text.begin()), end, count);
    if (error != std::errc{} || count < 0) {
        return std::nullopt;
    }
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    for (const auto& [name, length] : kUnits) {
        if (name == unit) {
            if (count > std::numeric_limits<std::int64_t>::max() / length.count()) {
                return std::nullopt;
            }
            return count * length;
        }
    }
    return std::nullopt;
}

}  // namespace isthmus
