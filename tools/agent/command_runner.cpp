#include "tools/agent/command_runner.h"

#include <utility>
#include <vector>

#include "base/log.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;
using channel::RpcError;

RpcError denied(std::string_view why) {
    return {.code = channel::kRpcDenied, .message = std::string(why), .data = nullptr};
}

}  // namespace

CommandProgress::CommandProgress(CommandProgress&& other) noexcept
    : runner_(std::move(other.runner_)),
      id_(std::move(other.id_)),
      method_(std::move(other.method_)),
      ended_(std::exchange(other.ended_, true)) {}

// Only want of memory throws here, and ends the program.
CommandProgress::~CommandProgress() {  // NOLINT(bugprone-exception-escape)
    end(CommandState::kFailed, "the agent gave it up; this is a bug", nullptr);
}

void CommandProgress::running(std::int64_t percent, std::string message) {
    const auto runner = runner_.lock();
    if (runner && !ended_) {
        (*runner)->note(id_, CommandState::kRunning, percent, std::move(message), nullptr);
    }
}

void CommandProgress::succeed(json::value result) {
    end(CommandState::kSucceeded, "", std::move(result));
}

void CommandProgress::fail(std::string message, json::value result) {
    end(CommandState::kFailed, std::move(message), std::move(result));
}

void CommandProgress::end(CommandState state, std::string message, json::value result) {
    if (std::exchange(ended_, true)) {
        return;
    }
    if (const auto runner = runner_.lock()) {
        (*runner)->note(id_, state, 100, std::move(message), std::move(result));
        (*runner)->tell_end(id_, method_);
        (*runner)->free(method_);
    }
}

CommandRunner::CommandRunner(channel::CommandGate& gate, CommandLog& log, Hooks hooks)
    : gate_(&gate), log_(&log), hooks_(std::move(hooks)) {
    for (CommandRecord& record : log_->records()) {
        if (!record.ended()) {
            record.state = CommandState::kFailed;
            record.message = "the agent ended while it was under way";
            record.result = json::object{{"again", true}};  // the hub, where it is still wanted
            record.reported = false;
        }
    }
}

void CommandRunner::add(const std::string& method, Handler handler, std::string lane) {
    if (lane.empty()) {
        lane = method;
    }
    methods_.insert_or_assign(method,
                              Method{.lane = std::move(lane), .handler = std::move(handler)});
}

std::expected<json::value, RpcError> CommandRunner::take(std::int64_t now_unix_s,
                                                         const json::value& params) {
    const std::uint64_t before = gate_->last_sequence();
    const auto command = gate_->admit(now_unix_s, params);
    if (!command) {
        // One that came too late counts as taken all the same.
        if (gate_->last_sequence() != before) {
            std::ignore = log_->note_sequence(gate_->last_sequence());
        }
        hooks_.refused(command.error());
        return std::unexpected(denied(channel::to_string(command.error())));
    }
    if (CommandRecord* const known = log_->find(command->id)) {
        std::ignore = log_->note_sequence(command->sequence);
        known->reported = false;
        report(command->id);
        return json::object{{"accepted", true}};
    }
    if (const auto taken = log_->take(command->sequence, command->id); !taken) {
        // Not acted on: after a restart it could come again.
        return std::unexpected(RpcError{
            .code = channel::kRpcUnavailable, .message = taken.error().message, .data = nullptr});
    }
    report(command->id);
    run(command->id, command->method, command->params);
    return json::object{{"accepted", true}};
}

void CommandRunner::run(const std::string& id,
                        const std::string& method,
                        const json::value& params) {
    const auto known = methods_.find(method);
    if (known == methods_.end()) {
        refuse(id, method, "this agent does not know the command " + method + "; upgrade it");
        return;
    }
    const std::string& lane = known->second.lane;
    if (busy_.contains(lane)) {
        waiting_[lane].push_back({.id = id, .method = method, .params = params});
        if (hooks_.waits) {
            hooks_.waits(method);
        }
        return;
    }
    busy_.insert(lane);
    known->second.handler(params, CommandProgress(self_, id, method));
}

void CommandRunner::refuse(const std::string& id, const std::string& method, std::string why) {
    note(id, CommandState::kFailed, 100, std::move(why), nullptr);
    tell_end(id, method);
}

void CommandRunner::tell_end(const std::string& id, const std::string& method) const {
    if (const CommandRecord* const record = log_->find(id)) {
        hooks_.ended(method, *record);
    }
}

void CommandRunner::free(const std::string& method) {
    const auto known = methods_.find(method);
    if (known == methods_.end()) {
        return;
    }
    const std::string& lane = known->second.lane;
    busy_.erase(lane);
    // A command that ends at once comes back here before run() returns: the outer call goes on with
    // those that wait, however many they are.
    if (!freeing_.insert(lane).second) {
        return;
    }
    std::deque<Waiting>& queue = waiting_[lane];
    while (!queue.empty() && !busy_.contains(lane)) {
        const Waiting waiting = std::move(queue.front());
        queue.pop_front();
        run(waiting.id, waiting.method, waiting.params);
    }
    freeing_.erase(lane);
}

void CommandRunner::note(const std::string& id,
                         CommandState state,
                         std::int64_t percent,
                         std::string message,
                         json::value result) {
    CommandRecord* const record = log_->find(id);
    if (record == nullptr || record->ended()) {
        return;
    }
    record->state = state;
    record->percent = percent;
    record->message = std::move(message);
    record->result = std::move(result);
    record->reported = false;
    if (record->ended()) {
        save();
    }
    report(id);
}

void CommandRunner::report(const std::string& id) {
    const CommandRecord* const record = log_->find(id);
    if (record == nullptr) {
        return;
    }
    hooks_.report(record->progress(),
                  [this, alive = std::weak_ptr(self_), id, state = record->state](
                      const std::expected<json::value, RpcError>& answer) {
                      CommandRecord* const now = alive.lock() ? log_->find(id) : nullptr;
                      // An error of the hub's is an answer: it does not know the command any more.
                      const bool heard = answer || answer.error().code != channel::kRpcUnavailable;
                      if (now != nullptr && heard && now->state == state) {
                          now->reported = true;
                          if (now->ended()) {
                              save();
                          }
                      }
                  });
}

void CommandRunner::on_up() {
    std::vector<std::string> unheard;
    for (const CommandRecord& record : log_->records()) {
        if (!record.reported) {
            unheard.push_back(record.id);
        }
    }
    for (const std::string& id : unheard) {
        report(id);
    }
}

void CommandRunner::save() {
    if (const auto saved = log_->save(); !saved) {
        log::error("commands", "{}", saved.error().message);
    }
}

}  // namespace isthmus::agent
