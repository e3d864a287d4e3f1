#include "tools/ctl/hub_command.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>
#include <termios.h>
#include <unistd.h>

#include "base/http/base64url.h"
#include "base/http/percent_encoding.h"
#include "base/random.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/json_fields.h"
#include "tools/ctl/http_client.h"
#include "tools/ctl/hub_login.h"
#include "tools/ctl/hub_sign_in.h"
#include "tools/ctl/hub_verbs.h"
#include "tools/ctl/reports.h"

namespace isthmus::ctl {
namespace {

namespace json = boost::json;

constexpr auto kPoll = std::chrono::milliseconds(300);
constexpr auto kWaitMax = std::chrono::minutes(5);
constexpr std::size_t kAnswerBytesMax = 64UL * 1024 * 1024;

// A line that the terminal does not show; from a pipe like any other.
std::string read_secret(const char* prompt) {
    termios shown{};
    const bool terminal = ::tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        termios hidden = shown;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        std::fputs(prompt, stderr);
    }
    std::string line;
    std::getline(std::cin, line);
    if (terminal) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        std::fputc('\n', stderr);
    }
    return line;
}

using GivenValues = std::map<std::string, std::string, std::less<>>;

// What the command line says of it goes into `values`; both outlive the parsing.
void add_argument(CLI::App& command, const HubArgument& argument, GivenValues& values) {
    const std::string name(argument.flag.empty() ? argument.name : argument.flag);
    const std::string help(argument.help);
    if (argument.kind == HubArgument::Kind::kFlag) {
        command.add_flag_function(
            name,
            [&values, &argument](std::int64_t /*times*/) {
                values.insert_or_assign(std::string(argument.name), "");
            },
            help);
        return;
    }
    command
        .add_option_function<std::string>(
            name,
            [&values, &argument](const std::string& text) {
                values.insert_or_assign(std::string(argument.name), text);
            },
            help)
        ->required(argument.required);
}

bool ended(std::string_view state) {
    return state == "succeeded" || state == "failed" || state == "expired" || state == "superseded";
}

}  // namespace

struct HubCommand::State {
    HubGlobals globals;
    Fail fail;
    std::string hub;    // --hub or the environment
    std::string token;  // of the environment
    std::string name;
    std::string code;
    std::string node;
    SignInOptions sign_in;
    bool through_provider = false;
    bool wait = false;
    std::deque<std::map<std::string, std::string, std::less<>>> values;  // of each verb

    [[nodiscard]] Result<HubLogin> login() const {
        if (!hub.empty() && !token.empty()) {
            return HubLogin{.url = hub,
                            .token = token,
                            .ca_file = *globals.ca_file,
                            .insecure = *globals.insecure};
        }
        auto kept = load_hub_login(hub_login_path());
        if (kept && !globals.ca_file->empty()) {
            kept->ca_file = *globals.ca_file;
        }
        return kept;
    }

    [[nodiscard]] static Result<HttpAnswer> send(const HubLogin& login, const HubRequest& request) {
        const HttpClientConfig client{
            .base_url = login.url,
            .authorization = login.token.empty() ? "" : "Bearer " + login.token,
            .ca_file = login.ca_file,
            .insecure = login.insecure};
        auto answer = http_request(client, request.method, request.path, request.body);
        if (!answer) {
            // The sentence is about a node; the rest of it holds.
            return make_error(answer.error().code,
                              fmt::format("the hub at {}: {}", login.url, answer.error().message));
        }
        return answer;
    }

    // The body of a good answer.
    [[nodiscard]] Result<std::string> call(const HubRequest& request) const {
        const auto who = login();
        if (!who) {
            return std::unexpected(who.error());
        }
        auto answer = send(*who, request);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        if (answer->status < 200 || answer->status > 299) {
            return make_error(error_of_status(answer->status),
                              problem_text(answer->status, answer->body));
        }
        return std::move(answer->body);
    }

    [[nodiscard]] int run(const HubVerb& verb,
                          const std::map<std::string, std::string, std::less<>>& given) const {
        const auto request = make_hub_request(verb, given);
        if (!request) {
            return fail(request.error());
        }
        const auto body = call(*request);
        if (!body) {
            return fail(body.error());
        }
        if (wait) {
            const auto answer = channel::parse_json(*body, kAnswerBytesMax);
            if (const auto command =
                    answer ? channel::text_field(*answer, "command") : std::nullopt) {
                return wait_for(*command);
            }
        }
        return print(verb, *body);
    }

    [[nodiscard]] int print(const HubVerb& verb, const std::string& body) const {
        const auto text = *globals.json ? Result<std::string>(body.empty() ? body : body + "\n")
                                        : hub_report(verb, body);
        if (!text) {
            return fail(text.error());
        }
        std::fputs(text->c_str(), stdout);
        return EXIT_SUCCESS;
    }

    [[nodiscard]] int wait_for(const std::string& command) const {
        const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
        const HubVerb plain{.group = "", .name = "", .help = "", .method = "GET", .path = ""};
        while (true) {
            const auto body = call({.method = "GET",
                                    .path = "/v1/hybrid/commands/" + http::percent_encode(command),
                                    .body = {}});
            if (!body) {
                return fail(body.error());
            }
            const auto value = channel::parse_json(*body, kAnswerBytesMax);
            const std::string state =
                value ? channel::text_field(*value, "state").value_or("") : "";
            if (ended(state)) {
                const int printed = print(plain, *body);
                return state == "succeeded" ? printed : EXIT_FAILURE;
            }
            if (std::chrono::steady_clock::now() > deadline) {
                return fail({.code = ErrorCode::kUnavailable,
                             .message = fmt::format("the command is still {}; look later with "
                                                    "isthmusctl hub command {}",
                                                    state,
                                                    command)});
            }
            std::this_thread::sleep_for(kPoll);
        }
    }

    void add_login_options(CLI::App& login) {
        login.add_option("--name", name, "Who");
        login.add_flag("--oidc",
                       through_provider,
                       "With a browser, through the organisation's identity provider");
        login.add_option("--organization", sign_in.organization, "Whose (--oidc)");
        login.add_flag("--paste",
                       sign_in.paste,
                       "The browser is on another machine: type the code that it shows (--oidc)");
        login.add_flag("--link",
                       sign_in.link,
                       "From now on the person who is logged in signs in this way (--oidc)");
        login.add_option("--code", code, "What the authenticator shows");
    }

    // Through the organisation's identity provider.
    [[nodiscard]] int log_in_there() const {
        HubLogin who{
            .url = hub, .token = {}, .ca_file = *globals.ca_file, .insecure = *globals.insecure};
        if (sign_in.link || hub.empty()) {
            const auto kept = login();
            if (!kept) {
                return fail(kept.error());
            }
            who = *kept;
        }
        if (!sign_in.link) {
            who.token.clear();
        }
        auto session =
            ctl::sign_in(sign_in,
                         {.post =
                              [&who](const std::string& path, const std::string& body) {
                                  return send(who, {.method = "POST", .path = path, .body = body});
                              },
                          .read_secret = read_secret});
        if (!session) {
            return fail(session.error());
        }
        who.token = std::move(*session);
        const auto saved = save_hub_login(hub_login_path(), who);
        return saved ? EXIT_SUCCESS : fail(saved.error());
    }

    [[nodiscard]] int log_in() const {
        if (through_provider) {
            return log_in_there();
        }
        HubLogin who{
            .url = hub, .token = {}, .ca_file = *globals.ca_file, .insecure = *globals.insecure};
        if (hub.empty() || name.empty()) {
            return fail({.code = ErrorCode::kInvalidArgument,
                         .message = "say where and who: --hub https://... --name ..., or --oidc"});
        }
        json::object body = {{"name", name}, {"password", read_secret("Password: ")}};
        if (!code.empty()) {
            body["code"] = code;
        }
        constexpr int kQuestionsMax = 4;
        for (int i = 0; i < kQuestionsMax; ++i) {
            const auto answer =
                send(who, {.method = "POST", .path = "/v1/login", .body = json::serialize(body)});
            if (!answer) {
                return fail(answer.error());
            }
            const auto value = channel::parse_json(answer->body, kAnswerBytesMax);
            if (answer->status == 200 && value) {
                who.token = channel::text_field(*value, "token").value_or("");
                const auto saved = save_hub_login(hub_login_path(), who);
                return saved ? EXIT_SUCCESS : fail(saved.error());
            }
            const std::string need = value ? channel::text_field(*value, "need").value_or("") : "";
            if (need == "code") {
                body["code"] = read_secret("Code of the authenticator: ");
            } else if (need == "new_password") {
                body["new_password"] = read_secret("New password (12 characters or more): ");
            } else {
                return fail({.code = error_of_status(answer->status),
                             .message = problem_text(answer->status, answer->body)});
            }
        }
        return EXIT_FAILURE;
    }

    [[nodiscard]] int log_out() const {
        const auto ended_there = call({.method = "DELETE", .path = "/v1/session", .body = {}});
        forget_hub_login(hub_login_path());
        return ended_there ? EXIT_SUCCESS : fail(ended_there.error());
    }

    [[nodiscard]] int change_password() const {
        const std::string old_password = read_secret("Password: ");
        const std::string new_password = read_secret("New password (12 characters or more): ");
        const auto done = call({.method = "PUT",
                                .path = "/v1/people/me/password",
                                .body = json::serialize(json::object{
                                    {"password", old_password}, {"new_password", new_password}})});
        return done ? EXIT_SUCCESS : fail(done.error());
    }

    // Here, so that the hub never sees the secret.
    [[nodiscard]] int seal() const {
        const auto body = call({.method = "GET",
                                .path = "/v1/hybrid/nodes/" + http::percent_encode(node),
                                .body = {}});
        if (!body) {
            return fail(body.error());
        }
        const auto value = channel::parse_json(*body, kAnswerBytesMax);
        const auto bytes = value ? channel::bytes_field(*value, "sealingKey", 32) : std::nullopt;
        const auto key = bytes ? channel::ExchangePublicKey::from_bytes(*bytes) : std::nullopt;
        if (!key) {
            return fail({.code = ErrorCode::kInternal,
                         .message = "the hub shows no sealing key of this node"});
        }
        SystemRandom random;
        const auto sealed = channel::seal_secret(random, *key, read_secret("Secret: "));
        if (!sealed) {
            return fail(sealed.error());
        }
        std::printf("%s\n", json::serialize(*sealed).c_str());
        return EXIT_SUCCESS;
    }
};

HubCommand::HubCommand(CLI::App& app, const HubGlobals& globals, const Choose& choose, Fail fail)
    : state_(std::make_unique<State>()) {
    State* const state = state_.get();
    state->globals = globals;
    state->fail = std::move(fail);
    CLI::App* hub =
        app.add_subcommand("hub", "Looks after nodes through the hub that manages them");
    hub->require_subcommand(1)->fallthrough();
    hub->add_option("--hub", state->hub, "https://..., the hub")->envname("ISTHMUS_HUB");
    hub->add_option("--hub-token", state->token, "A token for scripts")
        ->envname("ISTHMUS_HUB_TOKEN");
    hub->add_flag("--wait", state->wait, "Until the node has done it");

    const auto add = [&](CLI::App* parent,
                         std::string_view name,
                         std::string_view help,
                         std::function<int()> what) {
        CLI::App* command = parent->add_subcommand(std::string(name), std::string(help));
        command->fallthrough();
        command->callback([choose, what = std::move(what)] { choose(what); });
        return command;
    };
    CLI::App* login =
        add(hub, "login", "Log in; asks for the password", [state] { return state->log_in(); });
    state->add_login_options(*login);
    add(hub, "logout", "Log out", [state] { return state->log_out(); });
    add(hub, "password", "Change the own password", [state] { return state->change_password(); });
    CLI::App* seal =
        add(hub, "seal", "Seal a secret for one node, to be put into a configuration", [state] {
            return state->seal();
        });
    seal->add_option("--node", state->node, "Which")->required();

    std::map<std::string_view, CLI::App*> groups = {{"", hub}};
    for (const auto& [name, help] : hub_groups()) {
        CLI::App* group = hub->add_subcommand(std::string(name), std::string(help));
        group->require_subcommand(1)->fallthrough();
        groups.emplace(name, group);
    }
    for (const HubVerb& verb : hub_verbs()) {
        auto& values = state->values.emplace_back();
        CLI::App* command =
            add(groups.at(verb.group), verb.name, verb.help, [state, &verb, &values] {
                return state->run(verb, values);
            });
        for (const HubArgument& argument : verb.arguments) {
            if (argument.kind == HubArgument::Kind::kConstant) {
                continue;
            }
            add_argument(*command, argument, values);
        }
    }
}

HubCommand::~HubCommand() = default;

}  // namespace isthmus::ctl
