#include "tools/ctl/completion.h"

#include <vector>

#include <CLI/CLI.hpp>
#include <spdlog/fmt/fmt.h>

namespace isthmus::ctl {
namespace {

std::string words_of(const CLI::App& app) {
    std::string words;
    const auto add = [&](const std::string& word) {
        words += words.empty() ? "" : " ";
        words += word;
    };
    for (const CLI::App* command :
         app.get_subcommands([](const CLI::App* /*any*/) { return true; })) {
        add(command->get_name());
    }
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            add("--" + name);
        }
    }
    return words;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
    struct Level {
        const CLI::App* app;
        std::string path;
    };

    std::string cases;
    std::vector<Level> open = {{.app = &app, .path = ""}};
    while (!open.empty()) {
        const Level level = open.back();
        open.pop_back();
        cases += fmt::format("        \"{}\") words=\"{}\" ;;\n", level.path, words_of(*level.app));
        for (const CLI::App* command :
             level.app->get_subcommands([](const CLI::App* /*any*/) { return true; })) {
            open.push_back({.app = command,
                            .path = level.path.empty() ? command->get_name()
                                                       : level.path + " " + command->get_name()});
        }
    }
    const std::string& name = app.get_name();
    return fmt::format(
        "_{0}() {{\n"
        "    local word path=\"\" words=\"\"\n"
        "    for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
        "        [[ $word == [a-z]* ]] && path=\"${{path:+$path }}$word\"\n"
        "    done\n"
        "    while true; do\n"
        "        case \"$path\" in\n"
        "{1}"
        "        esac\n"
        "        [[ -n $words || $path != *\" \"* ]] && break\n"
        "        path=\"${{path% *}}\"\n"
        "    done\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n"
        "}}\n"
        "complete -F _{0} {0}\n",
        name,
        cases);
}

}  // namespace isthmus::ctl
