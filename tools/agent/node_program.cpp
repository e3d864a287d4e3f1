#include "tools/agent/node_program.h"

#include <chrono>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/log.h"
#include "control-agent/supervisor/io/log_file.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kAskEvery{500};
// One that answers once and falls is not up.
constexpr int kGoodInARow = 3;
constexpr std::chrono::seconds kCheckTime{20};
constexpr std::size_t kLogLinesOfAFailure = 5;

std::string trimmed(std::string text) {
    while (text.ends_with('\n') || text.ends_with(' ')) {
        text.pop_back();
    }
    return text;
}

}  // namespace

supervisor::ProgramSpec node_spec(const NodeSettings& settings) {
    supervisor::ProgramSpec spec;
    spec.name = kNodeName;
    spec.command = settings.command;
    spec.arguments = {"--config", settings.configuration};
    spec.user = settings.user;
    spec.outlives_agent = true;
    spec.unit = settings.unit;
    // It outlives the agent, which else keeps its log short: the node does itself what the agent
    // would have done long before.
    spec.environment[log::kFileBytesVariable] = std::to_string(2 * supervisor::kLogFloodBytesMax);
    constexpr std::uint64_t kMebibyte = 1024UL * 1024;
    if (settings.memory_mebibytes) {
        spec.limits.memory_bytes = *settings.memory_mebibytes * kMebibyte;
    }
    spec.limits.cpu_percent = settings.cpu_percent;
    spec.limits.processes = settings.processes;
    return spec;
}

Result<std::string> node_configuration_text(const json::value& configuration,
                                            const std::string& agent_secret) {
    if (!configuration.is_object()) {
        return make_error(ErrorCode::kInvalidArgument, "the node's configuration is no object");
    }
    json::object whole = configuration.get_object();
    json::value& keys = whole["keys"];
    if (!keys.is_object()) {
        keys = json::object{};
    }
    keys.get_object()[kAgentKeyName] = agent_secret;
    // JSON is YAML.
    return json::serialize(whole) + "\n";
}

void NodeProgram::check(const std::filesystem::path& file, Answer answer) {
    commands_->run(
        {settings_.command, "--check-config", file.string()},
        kCheckTime,
        [answer = std::move(answer),
         candidate = file.string()](Result<supervisor::CommandResult> result) mutable {
            if (!result) {
                answer(
                    make_error(ErrorCode::kUnavailable,
                               "its check of the configuration failed: " + result.error().message));
            } else if (!result->end.success()) {
                std::string said = trimmed(std::move(result->output));
                // Whoever wrote it knows no such file.
                while (said.contains(candidate)) {
                    said.replace(said.find(candidate), candidate.size(), "configuration");
                }
                answer(make_error(ErrorCode::kInvalidArgument, std::move(said)));
            } else {
                answer({});
            }
        });
}

void NodeProgram::make_way(std::function<void(const std::string& what)> tell, Answer answer) {
    drain_.begin(settings_.meetings_wait, std::move(tell), std::move(answer));
}

void NodeProgram::stay(std::string why) {
    drain_.cancel(std::move(why));
}

void NodeProgram::reopen(Answer answer) {
    drain_.reopen(settings_.healthy_within, std::move(answer));
}

void NodeProgram::restart(Answer answer) {
    // The first configuration comes to a node that was never started.
    if (supervisor_->status(kNodeName)) {
        supervisor_->restart(kNodeName, std::move(answer));
    } else {
        supervisor_->start(node_spec(settings_), std::move(answer));
    }
}

void NodeProgram::wait_until_healthy(Answer answer) {
    waiting_ = std::move(answer);
    deadline_ = std::chrono::steady_clock::now() + settings_.healthy_within;
    last_error_.clear();
    ask(0);
}

void NodeProgram::ask(int good_in_a_row) {
    timer_.expires_after(kAskEvery);
    timer_.async_wait([this, good_in_a_row](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        api_->ask_health([this, good_in_a_row, alive = std::weak_ptr(alive_)](
                             const Result<json::value>& health) {
            if (!alive.lock()) {
                return;
            }
            const int good = health ? good_in_a_row + 1 : 0;
            if (!health) {
                last_error_ = health.error().message;
            }
            if (good >= kGoodInARow) {
                finish_waiting({});
            } else if (std::chrono::steady_clock::now() >= deadline_) {
                explain_and_fail();
            } else {
                ask(good);
            }
        });
    });
}

void NodeProgram::finish_waiting(Result<void> result) {
    Answer answer = std::exchange(waiting_, nullptr);
    answer(std::move(result));
}

void NodeProgram::explain_and_fail() {
    supervisor_->read_log(
        kNodeName,
        kLogLinesOfAFailure,
        [this, alive = std::weak_ptr(alive_)](const Result<std::vector<std::string>>& lines) {
            if (!alive.lock()) {
                return;
            }
            std::string message = fmt::format(
                "the node did not serve within {} s ({})",
                std::chrono::duration_cast<std::chrono::seconds>(settings_.healthy_within).count(),
                last_error_);
            for (const std::string& line : lines.value_or(std::vector<std::string>())) {
                message += "\n" + line;
            }
            finish_waiting(make_error(ErrorCode::kUnavailable, std::move(message)));
        });
}

}  // namespace isthmus::agent
