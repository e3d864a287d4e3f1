// What the CMakeLists.txt files say about the modules: which sources each target has, which other
// modules it stands on. Reads the declarations of cmake/isthmus_targets.cmake and nothing else of
// CMake.
//
// Leaves out: variables and generator expressions, which no declaration here uses for modules.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace isthmus::repository {

enum class TargetKind : std::uint8_t { kLibrary, kProgram, kTest, kFuzz };

struct Target {
    TargetKind kind = TargetKind::kLibrary;
    std::string name;                   // as declared: "media_rtp", "isthmus-node"
    std::string folder;                 // relative to the root, with '/': "media/rtp"
    std::vector<std::string> sources;   // relative to the root
    std::set<std::string> uses_public;  // names of libraries
    std::set<std::string> uses_private;
};

// The declarations in one CMakeLists.txt of `folder`.
[[nodiscard]] std::vector<Target> parse_declarations(std::string_view cmake,
                                                     const std::string& folder);

// One file that includes what its target does not declare.
struct Violation {
    std::string file;
    std::string include;
    std::string reason;
};

class ModuleGraph {
  public:
    explicit ModuleGraph(std::vector<Target> targets);

    [[nodiscard]] const std::vector<Target>& targets() const { return targets_; }

    // `file` is relative to the root; `includes` are the names between quotes.
    [[nodiscard]] std::vector<Violation> check(const std::string& file,
                                               const std::vector<std::string>& includes) const;

    // The target that lists `file` as a source, or null.
    [[nodiscard]] const Target* target_of_source(const std::string& file) const;

  private:
    // The nearest folder above `file` that declares a target; empty without one.
    [[nodiscard]] std::string folder_of(const std::string& file) const;
    // What may be included from the folder of `target`; headers reach only what is PUBLIC.
    [[nodiscard]] std::set<std::string> reachable_folders(const Target& target,
                                                          bool is_header) const;
    void add_public_closure(const std::string& library, std::set<std::string>& folders) const;
    [[nodiscard]] std::set<std::string> folders_for(const std::string& file) const;
    // Whether the target of `file` also builds the source that `include` declares.
    [[nodiscard]] bool shares_target(const std::string& file, const std::string& include) const;

    std::vector<Target> targets_;
    std::map<std::string, const Target*> libraries_;
    std::map<std::string, const Target*> by_source_;
    std::multimap<std::string, const Target*> by_folder_;
};

// The names in `#include "..."` lines.
[[nodiscard]] std::vector<std::string> quoted_includes(std::string_view source);

}  // namespace isthmus::repository
