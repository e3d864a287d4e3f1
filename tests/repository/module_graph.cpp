#include "tests/repository/module_graph.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <regex>
#include <sstream>
#include <utility>

namespace isthmus::repository {
namespace {

struct Declaration {
    std::string command;
    std::vector<std::string> words;
};

std::string without_comments(std::string_view cmake) {
    std::string text;
    std::istringstream lines{std::string(cmake)};
    for (std::string line; std::getline(lines, line);) {
        text += line.substr(0, line.find('#')) + '\n';
    }
    return text;
}

std::vector<Declaration> declarations_in(std::string_view cmake) {
    static const std::regex kCall(
        R"((isthmus_(?:library|program|test|fuzz)|target_sources)\s*\(([^)]*)\))");
    const std::string text = without_comments(cmake);
    std::vector<Declaration> declarations;
    for (std::sregex_iterator call(text.begin(), text.end(), kCall), end; call != end; ++call) {
        Declaration declaration{.command = (*call)[1].str(), .words = {}};
        std::istringstream words((*call)[2].str());
        for (std::string word; words >> word;) {
            declaration.words.push_back(word);
        }
        declarations.push_back(std::move(declaration));
    }
    return declarations;
}

TargetKind kind_of(const std::string& command) {
    static const std::map<std::string, TargetKind> kKinds = {
        {"isthmus_library", TargetKind::kLibrary},
        {"isthmus_program", TargetKind::kProgram},
        {"isthmus_test", TargetKind::kTest},
        {"isthmus_fuzz", TargetKind::kFuzz},
    };
    return kKinds.at(command);
}

// "isthmus::media_rtp" -> "media_rtp"; nothing for what is not a module.
std::optional<std::string> module_name(const std::string& word) {
    static constexpr std::string_view kPrefix = "isthmus::";
    if (!word.starts_with(kPrefix)) {
        return std::nullopt;
    }
    return word.substr(kPrefix.size());
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// A word of SOURCES, relative to the root.
std::string source_path(const std::string& folder, std::string_view word) {
    static constexpr std::string_view kRoot = "${CMAKE_SOURCE_DIR}/";
    if (word.starts_with(kRoot)) {
        return std::string(word.substr(kRoot.size()));
    }
    return std::filesystem::path(folder).append(word).lexically_normal().generic_string();
}

bool is_header(const std::string& file) {
    return file.ends_with(".h");
}

std::string source_of(const std::string& header) {
    return header.substr(0, header.size() - 2) + ".cpp";
}

// The word before any section is the target's name.
void add_word(const std::string& section, const std::string& word, Target& target) {
    if (section.empty()) {
        target.name = word;
    } else if (section == "SOURCES") {
        target.sources.push_back(source_path(target.folder, word));
    } else if (const auto module = module_name(word)) {
        (section == "PUBLIC" ? target.uses_public : target.uses_private).insert(*module);
    }
}

Target target_of(const Declaration& declaration, const std::string& folder) {
    Target target;
    target.kind = kind_of(declaration.command);
    target.folder = folder;
    std::string section;
    for (const std::string& word : declaration.words) {
        if (word == "SOURCES" || word == "PUBLIC" || word == "PRIVATE") {
            section = word;
        } else {
            add_word(section, word, target);
        }
    }
    return target;
}

// target_sources(isthmus_media_rtp PRIVATE a.cpp ...), for a library declared before.
void add_sources(const Declaration& declaration, std::vector<Target>& targets) {
    for (Target& target : targets) {
        if (declaration.words.empty() || declaration.words.front() != "isthmus_" + target.name) {
            continue;
        }
        for (std::size_t i = 2; i < declaration.words.size(); ++i) {
            target.sources.push_back(source_path(target.folder, declaration.words[i]));
        }
    }
}

}  // namespace

std::vector<Target> parse_declarations(std::string_view cmake, const std::string& folder) {
    std::vector<Target> targets;
    for (const Declaration& declaration : declarations_in(cmake)) {
        if (declaration.command == "target_sources") {
            add_sources(declaration, targets);
        } else {
            targets.push_back(target_of(declaration, folder));
        }
    }
    return targets;
}

ModuleGraph::ModuleGraph(std::vector<Target> targets) : targets_(std::move(targets)) {
    for (const Target& target : targets_) {
        by_folder_.emplace(target.folder, &target);
        if (target.kind == TargetKind::kLibrary) {
            libraries_.emplace(target.name, &target);
        }
        for (const std::string& source : target.sources) {
            by_source_.emplace(source, &target);
        }
    }
}

const Target* ModuleGraph::target_of_source(const std::string& file) const {
    const auto found = by_source_.find(file);
    return found == by_source_.end() ? nullptr : found->second;
}

std::string ModuleGraph::folder_of(const std::string& file) const {
    for (std::string folder = parent_of(file); !folder.empty(); folder = parent_of(folder)) {
        if (by_folder_.contains(folder)) {
            return folder;
        }
    }
    return {};
}

void ModuleGraph::add_public_closure(const std::string& library,
                                     std::set<std::string>& folders) const {
    std::vector<std::string> pending = {library};
    while (!pending.empty()) {
        const auto found = libraries_.find(pending.back());
        pending.pop_back();
        if (found == libraries_.end()) {
            continue;
        }
        const bool is_new = folders.insert(found->second->folder).second;
        if (is_new) {
            pending.insert(pending.end(),
                           found->second->uses_public.begin(),
                           found->second->uses_public.end());
        }
    }
}

std::set<std::string> ModuleGraph::reachable_folders(const Target& target, bool is_header) const {
    std::set<std::string> folders;
    for (const std::string& library : target.uses_public) {
        add_public_closure(library, folders);
    }
    // A program's or a test's headers are for its own sources only.
    if (!is_header || target.kind != TargetKind::kLibrary) {
        for (const std::string& library : target.uses_private) {
            add_public_closure(library, folders);
        }
    }
    folders.insert(target.folder);
    return folders;
}

std::set<std::string> ModuleGraph::folders_for(const std::string& file) const {
    std::set<std::string> folders;
    if (const Target* target = target_of_source(file)) {
        return reachable_folders(*target, false);
    }
    const auto [begin, end] = by_folder_.equal_range(folder_of(file));
    for (auto entry = begin; entry != end; ++entry) {
        folders.merge(reachable_folders(*entry->second, is_header(file)));
    }
    return folders;
}

bool ModuleGraph::shares_target(const std::string& file, const std::string& include) const {
    const Target* target = target_of_source(is_header(file) ? source_of(file) : file);
    return target != nullptr && is_header(include) &&
           std::ranges::find(target->sources, source_of(include)) != target->sources.end();
}

std::vector<Violation> ModuleGraph::check(const std::string& file,
                                          const std::vector<std::string>& includes) const {
    const std::set<std::string> allowed = folders_for(file);
    std::vector<Violation> violations;
    for (const std::string& include : includes) {
        const std::string folder = folder_of(include);
        if (folder.empty()) {
            violations.push_back({file, include, "names no module's folder"});
        } else if (!allowed.contains(folder) && !shares_target(file, include)) {
            violations.push_back({file, include, "its CMakeLists.txt does not name that module"});
        }
    }
    return violations;
}

std::vector<std::string> quoted_includes(std::string_view source) {
    static const std::regex kInclude(R"re(^\s*#\s*include\s*"([^"]+)")re");
    std::vector<std::string> includes;
    std::istringstream lines{std::string(source)};
    for (std::string line; std::getline(lines, line);) {
        if (std::smatch match; std::regex_search(line, match, kInclude)) {
            includes.push_back(match[1].str());
        }
    }
    return includes;
}

}  // namespace isthmus::repository
