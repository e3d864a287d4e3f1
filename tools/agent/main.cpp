// isthmus-agent: makes a machine a node of a hub, and runs it as one.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include "base/http/connect_config.h"
#include "base/log.h"
#include "control-agent/registration/enrollment.h"
#include "tools/agent/agent.h"
#include "tools/agent/agent_config.h"
#include "tools/agent/doctor.h"
#include "tools/agent/reports.h"
#include "tools/agent/status_file.h"

namespace isthmus::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigDefault = "/etc/isthmus/agent.yaml";
constexpr int kExitFailed = 1;
constexpr int kExitConfiguration = 2;
constexpr int kExitNotEnrolled = 3;

struct CommandLine {
    std::string config;
    std::optional<std::string> state;
    std::optional<std::string> proxy;
    std::optional<std::string> authorities;
    std::string code;
    std::string name;
    bool replace = false;
    std::string hub;
    bool json = false;
    std::string check_config;
    bool version = false;
};

int fail(const std::string& message, int code = kExitFailed) {
    std::fprintf(stderr, "isthmus-agent: %s\n", message.c_str());
    return code;
}

// The file, where it is named or where there is the usual one, and the options over it.
Result<AgentConfig> config_of(const CommandLine& line) {
    AgentConfig config;
    const std::string path = line.config.empty() ? kConfigDefault : line.config;
    if (!line.config.empty() || ::access(path.c_str(), F_OK) == 0) {
        auto loaded = load_agent_config(path);
        if (!loaded) {
            return loaded;
        }
        config = std::move(*loaded);
    }
    if (line.state) {
        config.state_directory = *line.state;
    }
    if (line.proxy) {
        config.proxy = *line.proxy;
    }
    if (line.authorities) {
        config.authorities_file = *line.authorities;
    }
    return config;
}

std::string host_name() {
    std::string name(256, '\0');
    if (::gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') {
        return "node";
    }
    name.resize(name.find('\0'));
    return name;
}

int enroll(const CommandLine& line) {
    const auto config = config_of(line);
    if (!config) {
        return fail(config.error().message, kExitConfiguration);
    }
    const auto connect = connect_config(*config);
    if (!connect) {
        return fail(connect.error().message, kExitConfiguration);
    }
    boost::asio::io_context io(1);
    SystemRandom random;
    registration::Enrollment enrollment(io,
                                        random,
                                        {.code = line.code,
                                         .state_directory = config->state_directory,
                                         .name = line.name.empty() ? host_name() : line.name,
                                         .versions = {{"agent", ISTHMUS_VERSION}},
                                         .connect = *connect,
                                         .replace = line.replace});
    int result = kExitFailed;
    enrollment.start(
        [](registration::EnrollmentStep step) {
            std::fprintf(stderr,
                         "%d/%d %s\n",
                         static_cast<int>(step) + 1,
                         registration::kEnrollmentSteps,
                         std::string(registration::to_string(step)).c_str());
        },
        [&](const std::expected<registration::NodeIdentity, registration::EnrollmentFailure>& end) {
            if (!end) {
                std::fprintf(stderr, "%s\n", end.error().text().c_str());
                return;
            }
            std::printf("This machine is node %s of cluster %s now.\n",
                        end->node.c_str(),
                        end->cluster_name.c_str());
            result = EXIT_SUCCESS;
        });
    io.run();
    if (const std::string note = enrollment.certificate_note(); !note.empty()) {
        std::fprintf(stderr,
                     "Note: the hub's TLS certificate does not convince (%s); the hub proved its "
                     "own key.\n",
                     note.c_str());
    }
    return result;
}

int run(const CommandLine& line) {
    auto config = config_of(line);
    if (!config) {
        return fail(config.error().message, kExitConfiguration);
    }
    log::configure(config->log);
    auto identity =
        registration::load_identity(registration::identity_path(config->state_directory));
    if (!identity) {
        return fail(identity.error().message,
                    identity.error().code == ErrorCode::kNotFound ? kExitNotEnrolled : kExitFailed);
    }
    boost::asio::io_context io(1);
    auto agent = Agent::start(io, std::move(*config), std::move(*identity));
    if (!agent) {
        return fail(agent.error().message);
    }
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code& error, int signal) {
        if (!error) {
            log::info("agent", "signal {}: ending", signal);
            (*agent)->stop([&io] { io.stop(); });
        }
    });
    io.run();
    agent->reset();
    return EXIT_SUCCESS;
}

int doctor(const CommandLine& line) {
    const auto config = config_of(line);
    if (!config) {
        return fail(config.error().message, kExitConfiguration);
    }
    auto identity =
        registration::load_identity(registration::identity_path(config->state_directory));
    Doctor::Subject subject{.config = *config, .identity = {}, .hub_url = line.hub};
    if (identity) {
        subject.identity = std::move(*identity);
    } else if (identity.error().code != ErrorCode::kNotFound) {
        return fail(identity.error().message);
    }
    if (const auto status = read_status(config->runtime_directory)) {
        subject.agent_connected = is_connected(*status);
    }
    boost::asio::io_context io(1);
    int result = kExitFailed;
    Doctor doctor(io, std::move(subject), [](const Finding& finding) {
        std::fputs(finding_report(finding).c_str(), stdout);
        std::fflush(stdout);
    });
    doctor.examine([&](bool well) {
        result = well ? EXIT_SUCCESS : kExitFailed;
        io.stop();
    });
    io.run();
    return result;
}

int status(const CommandLine& line) {
    const auto config = config_of(line);
    if (!config) {
        return fail(config.error().message, kExitConfiguration);
    }
    const auto found = read_status(config->runtime_directory);
    if (!found) {
        const auto identity =
            registration::load_identity(registration::identity_path(config->state_directory));
        return fail(identity ? found.error().message : identity.error().message, kExitNotEnrolled);
    }
    if (line.json) {
        std::printf("%s\n", boost::json::serialize(*found).c_str());
    } else {
        std::fputs(status_report(*found).c_str(), stdout);
    }
    return is_connected(*found) ? EXIT_SUCCESS : kExitFailed;
}

int check_config(const std::string& path) {
    const auto config = load_agent_config(path);
    if (!config) {
        std::fprintf(stderr, "%s\n", config.error().message.c_str());
        return kExitConfiguration;
    }
    std::printf("%s: ok\n", path.c_str());
    return EXIT_SUCCESS;
}

void add_options(CLI::App& app, CommandLine& line) {
    app.add_option("--config", line.config, "YAML file; see isthmus-agent.example.yaml");
    app.add_option("--check-config", line.check_config, "Say whether FILE is a good configuration");
    app.add_option("--state", line.state, "state_directory");
    app.add_option("--proxy", line.proxy, "proxy.url: http://[user:password@]host:port");
    app.add_option("--authorities", line.authorities, "authorities_file");
    app.add_flag("--version", line.version, "Print the version");
    app.fallthrough();
}

int main_of(int argc, char** argv) {
    CLI::App app("Makes this machine a node of a hub, and runs it as one", "isthmus-agent");
    CommandLine line;
    add_options(app, line);
    int (*action)(const CommandLine&) = nullptr;
    const auto add = [&](const char* name, const char* help, int (*what)(const CommandLine&)) {
        CLI::App* const command = app.add_subcommand(name, help);
        command->fallthrough()->callback([&action, what] { action = what; });
        return command;
    };
    CLI::App* const enrolling = add("enroll", "Make this machine a node, with a code", enroll);
    enrolling->add_option("code", line.code, "What isthmusctl hub node add printed")->required();
    enrolling->add_option("--name", line.name, "What the hub shall call it; the host's name");
    enrolling->add_flag("--replace", line.replace, "Forget the enrolment that is there");
    add("run", "Run: what the service does", run);
    add("doctor", "Try all that the agent needs", doctor)
        ->add_option("--hub", line.hub, "https://host:port, before the machine is enrolled");
    add("status", "Show what the running agent says", status)
        ->add_flag("--json", line.json, "As JSON");
    app.require_subcommand(0, 1);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? EXIT_SUCCESS : kExitConfiguration;
    }
    if (line.version) {
        std::printf("isthmus-agent %s\n", ISTHMUS_VERSION);
        return EXIT_SUCCESS;
    }
    if (!line.check_config.empty()) {
        return check_config(line.check_config);
    }
    if (action == nullptr) {
        std::fputs(app.help().c_str(), stderr);
        return kExitConfiguration;
    }
    return action(line);
}

}  // namespace
}  // namespace isthmus::agent

int main(int argc, char** argv) {
    try {
        return isthmus::agent::main_of(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "isthmus-agent: %s\n", e.what());
        return EXIT_FAILURE;
    }
}
