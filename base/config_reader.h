// Reads YAML configuration into plain fields, and says precisely what is wrong with it.
//
//     auto root = parse_config(text, "/etc/isthmus/node.yaml");
//     ConfigProblems problems;
//     ConfigReader reader(*root, problems);
//     reader.read("workers", config.workers, 0, 256);
//     reader.finish();  // unknown keys are problems too
//
// A key that is absent leaves the field as it is, so that the defaults stand in one place: the
// struct. All problems are collected, each with line and key path. Anchors, aliases and tags are
// refused: a configuration says each thing where it is.
//
// Specification: YAML 1.2, as yaml-cpp reads it; its exceptions stop in the .cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace isthmus {

struct ConfigNode {
    enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };

    Kind kind = Kind::kNull;
    std::size_t line = 0;  // from 1
    std::string key;       // within a map
    std::string scalar;
    std::vector<ConfigNode> children;
};

// Deeper and larger than any configuration that people write.
inline constexpr std::size_t kConfigDepthMax = 16;
inline constexpr std::size_t kConfigNodesMax = 20'000;

// `name` of the file stands in error messages. An empty document is an empty map.
[[nodiscard]] Result<ConfigNode> parse_config(const std::string& text, std::string_view name);

class ConfigProblems {
  public:
    explicit ConfigProblems(std::string_view file) : file_(file) {}

    void add(std::size_t line, std::string_view path, std::string_view what);

    [[nodiscard]] bool empty() const { return lines_.empty(); }

    // One problem a line: "FILE:LINE: PATH: what is wrong and what to do".
    [[nodiscard]] std::string text() const;

  private:
    std::string file_;
    std::vector<std::pair<std::size_t, std::string>> lines_;
};

template <typename T>
struct ConfigChoice {
    std::string_view name;
    T value;
};

// One map. `node` and `problems` outlive it.
class ConfigReader {
  public:
    ConfigReader(const ConfigNode& node, ConfigProblems& problems, std::string path = {});

    void read(std::string_view key, bool& out);
    void read(std::string_view key, std::string& out);
    void read(std::string_view key, std::vector<std::string>& out);
    // "250ms", "10s", "5m", "12h" or "7d".
    void read(std::string_view key, Duration& out);

    template <typename Integer>
    void read(std::string_view key, Integer& out, std::uint64_t min, std::uint64_t max) {
        if (const auto value = read_integer(key, min, max)) {
            out = static_cast<Integer>(*value);
        }
    }

    template <typename T>
    void read(std::string_view key, T& out, std::initializer_list<ConfigChoice<T>> choices) {
        const ConfigNode* node = scalar(key);
        if (node == nullptr) {
            return;
        }
        std::vector<std::string_view> names;
        for (const ConfigChoice<T>& choice : choices) {
            if (choice.name == node->scalar) {
                out = choice.value;
                return;
            }
            names.push_back(choice.name);
        }
        refuse_choice(*node, key, names);
    }

    // The map or the list of maps under `key`; nothing where it is absent.
    [[nodiscard]] std::optional<ConfigReader> section(std::string_view key);
    [[nodiscard]] std::vector<ConfigReader> sections(std::string_view key);
    // Keys that the file chooses, with their texts.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> entries();

    // A problem of the value under `key`, found by the caller; of the map itself where `key` is
    // absent.
    void refuse(std::string_view key, std::string_view what);

    // Reports every key that nothing has read, with the nearest one that is known.
    void finish();

  private:
    [[nodiscard]] const ConfigNode* find(std::string_view key);
    [[nodiscard]] const ConfigNode* scalar(std::string_view key);
    [[nodiscard]] const ConfigNode* list(std::string_view key);
    [[nodiscard]] std::optional<std::uint64_t> read_integer(std::string_view key,
                                                            std::uint64_t min,
                                                            std::uint64_t max);
    void refuse_choice(const ConfigNode& node,
                       std::string_view key,
                       const std::vector<std::string_view>& names);
    [[nodiscard]] std::string path_of(std::string_view key) const;

    const ConfigNode* node_;
    ConfigProblems* problems_;
    std::string path_;
    std::set<std::string, std::less<>> known_;
};

// "10s" and the like (see above); nothing for anything else, or for what does not fit.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

}  // namespace isthmus
