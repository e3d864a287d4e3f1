// isthmusctl: a node's command line, for people and scripts, over the API of docs/openapi.yaml.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "base/http/percent_encoding.h"
#include "tools/ctl/completion.h"
#include "tools/ctl/http_client.h"
#include "tools/ctl/hub_command.h"
#include "tools/ctl/maintenance_command.h"
#include "tools/ctl/reports.h"
#include "tools/ctl/token_command.h"
#include "tools/node/node_config.h"

namespace isthmus::ctl {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitUnreachable = 3;
constexpr int kExitDenied = 4;
constexpr int kExitNotFound = 5;

constexpr const char* kConfigDefault = "/etc/isthmus/node.yaml";

struct CommandLine {
    std::string url = "http://127.0.0.1:8080";
    std::string ca_file;
    bool insecure = false;
    std::string config;
    Credentials credentials;
    bool dev = false;
    bool json = false;
    TokenRequest token;
    std::string conference;
    std::string identity;
    std::string deadline;
    bool wait = false;
};

int exit_code(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument:
            return kExitUsage;
        case ErrorCode::kUnavailable:
            return kExitUnreachable;
        case ErrorCode::kUnauthenticated:
        case ErrorCode::kPermissionDenied:
            return kExitDenied;
        case ErrorCode::kNotFound:
            return kExitNotFound;
        default:
            return kExitFailed;
    }
}

int fail(const Error& error) {
    std::fprintf(stderr, "isthmusctl: %s\n", error.message.c_str());
    return exit_code(error.code);
}

// Options (or the environment), --dev, then the first key of the node's configuration.
Result<Credentials> find_credentials(const CommandLine& line) {
    if (!line.credentials.key.empty() && !line.credentials.secret.empty()) {
        return line.credentials;
    }
    if (!line.credentials.key.empty() && line.config.empty()) {
        return make_error(ErrorCode::kInvalidArgument, "--key needs --secret (or ISTHMUS_SECRET)");
    }
    if (line.dev) {
        return Credentials{.key = std::string(node::kDevKey),
                           .secret = std::string(node::kDevSecret)};
    }
    const bool named = !line.config.empty();
    const std::string path = named ? line.config : kConfigDefault;
    if (named || ::access(path.c_str(), R_OK) == 0) {
        const auto config = node::load_node_config(path);
        if (!config) {
            return std::unexpected(config.error());
        }
        const auto key = line.credentials.key.empty() ? config->keys.begin()
                                                      : config->keys.find(line.credentials.key);
        if (key == config->keys.end()) {
            return make_error(ErrorCode::kInvalidArgument,
                              fmt::format("{} holds no such API key under keys", path));
        }
        return Credentials{.key = key->first, .secret = key->second};
    }
    return make_error(ErrorCode::kInvalidArgument,
                      "say who you are: --key and --secret, ISTHMUS_KEY and ISTHMUS_SECRET, "
                      "--config with the node's file, or --dev for a node started with --dev");
}

// The body of a good answer.
Result<std::string> call(const CommandLine& line,
                         std::string_view method,
                         const std::string& path,
                         const std::string& request = {}) {
    const auto credentials = find_credentials(line);
    if (!credentials) {
        return std::unexpected(credentials.error());
    }
    const HttpClientConfig client{
        .base_url = line.url,
        .authorization = basic_authorization(credentials->key, credentials->secret),
        .ca_file = line.ca_file,
        .insecure = line.insecure};
    auto answer = http_request(client, method, path, request);
    if (!answer) {
        return std::unexpected(answer.error());
    }
    if (answer->status < 200 || answer->status > 299) {
        return make_error(error_of_status(answer->status),
                          problem_text(answer->status, answer->body));
    }
    return std::move(answer->body);
}

int show(const CommandLine& line,
         const std::string& path,
         Result<std::string> (*report)(const std::string&)) {
    const auto body = call(line, "GET", path);
    if (!body) {
        return fail(body.error());
    }
    const auto text = line.json ? Result<std::string>(*body + "\n") : report(*body);
    if (!text) {
        return fail(text.error());
    }
    std::fputs(text->c_str(), stdout);
    return EXIT_SUCCESS;
}

int remove(const CommandLine& line, const std::string& path) {
    const auto body = call(line, "DELETE", path);
    return body ? EXIT_SUCCESS : fail(body.error());
}

int show_maintenance(const CommandLine& line, const Result<std::string>& body) {
    const auto text = body && !line.json ? maintenance_report(*body) : body;
    if (!text) {
        return fail(text.error());
    }
    std::fputs((line.json ? *text + "\n" : *text).c_str(), stdout);
    return EXIT_SUCCESS;
}

// Asks until nothing runs any more, where that was wanted.
int switch_maintenance(const CommandLine& line, bool on) {
    constexpr auto kAskAgain = std::chrono::seconds(1);
    const auto request = maintenance_request(on, line.deadline);
    if (!request) {
        return fail(request.error());
    }
    auto body = call(line, "PUT", kMaintenancePath, *request);
    while (on && line.wait && body && !is_maintained(*body)) {
        std::this_thread::sleep_for(kAskAgain);
        body = call(line, "GET", kMaintenancePath);
    }
    return show_maintenance(line, body);
}

std::string conference_path(const CommandLine& line) {
    return "/api/v1/conferences/" + http::percent_encode(line.conference);
}

int print_token(const CommandLine& line) {
    const auto credentials = find_credentials(line);
    if (!credentials) {
        return fail(credentials.error());
    }
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const auto token = create_token(line.token, *credentials, now.count());
    if (!token) {
        return fail(token.error());
    }
    std::printf("%s\n", token->c_str());
    return EXIT_SUCCESS;
}

void add_global_options(CLI::App& app, CommandLine& line) {
    app.add_option("--url", line.url, "The node")->envname("ISTHMUS_URL")->capture_default_str();
    app.add_option("--key", line.credentials.key, "API key")->envname("ISTHMUS_KEY");
    app.add_option("--secret", line.credentials.secret, "Its secret")->envname("ISTHMUS_SECRET");
    app.add_option("--config", line.config, "Take key and secret from the node's configuration");
    app.add_flag("--dev", line.dev, "Use the key of a node that was started with --dev");
    app.add_flag("--json", line.json, "Print the API's JSON instead of tables");
    app.add_option("--ca-file", line.ca_file, "PEM of who signed the node's HTTPS certificate");
    app.add_flag("--insecure", line.insecure, "Do not check the node's HTTPS certificate");
    // Global options may stand behind the command too.
    app.fallthrough();
    app.require_subcommand(1);
}

void add_token_command(CLI::App& app, TokenRequest& token, const std::function<void()>& chosen) {
    CLI::App* command = app.add_subcommand("token", "Access tokens");
    command->require_subcommand(1)->fallthrough();
    CLI::App* create = command->add_subcommand("create", "Print a token for one participant");
    create->fallthrough();
    create->add_option("--conference", token.conference, "The conference it is for")->required();
    create->add_option("--identity", token.identity, "Who joins with it")->required();
    create->add_option("--name", token.name, "What others see");
    create->add_flag("--publish", token.publish, "May publish (neither: both)");
    create->add_flag("--subscribe", token.subscribe, "May subscribe (neither: both)");
    create->add_flag("--hidden", token.hidden, "Is not listed for others");
    create->add_flag("--admin", token.admin, "May manage the conference's participants");
    create->add_option("--ttl", token.ttl, "How long it is good for")->capture_default_str();
    create->callback(chosen);
}

using Choose = std::function<void(std::function<int()>)>;

void add_maintenance_command(CLI::App& app, CommandLine& line, const Choose& choose) {
    CLI::App* command =
        app.add_subcommand("maintenance", "Take the node out of service, or back into it");
    command->require_subcommand(1)->fallthrough();
    CLI::App* on = command->add_subcommand("on", "Begin no conference; running ones finish");
    on->add_option("--deadline", line.deadline, "When they are ended (2h unless said otherwise)");
    on->add_flag("--wait", line.wait, "Until the last one has gone");
    on->callback([&line, choose] { choose([&line] { return switch_maintenance(line, true); }); });
    CLI::App* off = command->add_subcommand("off", "Back into service");
    off->callback([&line, choose] { choose([&line] { return switch_maintenance(line, false); }); });
    CLI::App* status = command->add_subcommand("status", "How far it is");
    status->callback([&line, choose] {
        choose([&line] { return show_maintenance(line, call(line, "GET", kMaintenancePath)); });
    });
    for (CLI::App* each : {on, off, status}) {
        each->fallthrough();
    }
}

int run(int argc, char** argv) {
    CLI::App app("Looks after an Isthmus node", "isthmusctl");
    CommandLine line;
    // CLI11 runs callbacks while it parses; what was chosen runs afterwards.
    std::function<int()> action;
    add_global_options(app, line);
    add_token_command(app, line.token, [&] { action = [&] { return print_token(line); }; });

    const auto add_command = [&](const char* name, const char* help, std::function<int()> what) {
        CLI::App* command = app.add_subcommand(name, help);
        command->fallthrough();
        command->callback([&action, what = std::move(what)] { action = what; });
        return command;
    };
    add_maintenance_command(
        app, line, [&action](std::function<int()> what) { action = std::move(what); });
    add_command("conferences", "List the conferences", [&] {
        return show(line, "/api/v1/conferences", conferences_report);
    });
    for (CLI::App* command :
         {add_command("participants",
                      "List who is in a conference",
                      [&] {
                          return show(
                              line, conference_path(line) + "/participants", participants_report);
                      }),
          add_command("stats",
                      "Show a conference's streams",
                      [&] { return show(line, conference_path(line) + "/stats", stats_report); }),
          add_command(
              "end", "End a conference", [&] { return remove(line, conference_path(line)); }),
          add_command("remove", "Send a participant out", [&] {
              return remove(
                  line,
                  conference_path(line) + "/participants/" + http::percent_encode(line.identity));
          })}) {
        command->add_option("conference", line.conference, "Its name")->required();
        if (command->get_name() == "remove") {
            command->add_option("identity", line.identity, "Whom")->required();
        }
    }
    const HubCommand hub(
        app,
        {.json = &line.json, .ca_file = &line.ca_file, .insecure = &line.insecure},
        [&action](std::function<int()> what) { action = std::move(what); },
        fail);
    CLI::App* completion = app.add_subcommand("completion", "Print a shell's completion script");
    completion->require_subcommand(1);
    completion->add_subcommand("bash", "source <(isthmusctl completion bash)")->callback([&] {
        action = [&] {
            std::fputs(bash_completion(app).c_str(), stdout);
            return EXIT_SUCCESS;
        };
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? EXIT_SUCCESS : kExitUsage;
    }
    return action();
}

}  // namespace
}  // namespace isthmus::ctl

int main(int argc, char** argv) {
    try {
        return isthmus::ctl::run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "isthmusctl: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
