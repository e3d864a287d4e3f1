// The hub's commands: through the gate, into the log, to whoever does them, and their progress back
// until the hub has heard how each ended.
//
// One thread; commands run beside each other, but one of a lane at a time: later ones wait. A
// method has a lane of its own, or shares one with those that must not overtake it.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "control-agent/channel/command.h"
#include "control-agent/channel/json_rpc.h"
#include "tools/agent/command_log.h"

namespace isthmus::agent {

class CommandRunner;

// What whoever does a command says of it. The last word counts once; dropped without one, the
// command failed.
class CommandProgress {
  public:
    CommandProgress(std::weak_ptr<CommandRunner*> runner, std::string id, std::string method)
        : runner_(std::move(runner)), id_(std::move(id)), method_(std::move(method)) {}

    CommandProgress(CommandProgress&& other) noexcept;
    CommandProgress& operator=(CommandProgress&&) = delete;
    CommandProgress(const CommandProgress&) = delete;
    CommandProgress& operator=(const CommandProgress&) = delete;
    ~CommandProgress();

    void running(std::int64_t percent, std::string message);
    void succeed(boost::json::value result = boost::json::object{});
    void fail(std::string message, boost::json::value result = nullptr);

  private:
    void end(CommandState state, std::string message, boost::json::value result);

    std::weak_ptr<CommandRunner*> runner_;
    std::string id_;
    std::string method_;
    bool ended_ = false;
};

class CommandRunner {
  public:
    using Answer =
        std::move_only_function<void(std::expected<boost::json::value, channel::RpcError>)>;
    // Sends "command.progress"; answers later, once.
    using Report = std::function<void(const boost::json::value& params, Answer answer)>;
    using Handler = std::function<void(const boost::json::value& params, CommandProgress progress)>;
    // A command that the gate did not let through.
    using Refused = std::function<void(channel::CommandFault fault)>;
    // One that was done, well or not.
    using Ended = std::function<void(const std::string& method, const CommandRecord& record)>;
    // One that has to wait for another of its lane.
    using Waits = std::function<void(const std::string& method)>;

    struct Hooks {
        Report report;
        Refused refused;
        Ended ended;
        Waits waits{};
    };

    // `gate` and `log` outlive it.
    CommandRunner(channel::CommandGate& gate, CommandLog& log, Hooks hooks);
    CommandRunner(const CommandRunner&) = delete;
    CommandRunner& operator=(const CommandRunner&) = delete;
    ~CommandRunner() = default;

    // `lane` empty: its own.
    void add(const std::string& method, Handler handler, std::string lane = {});

    // The params of the request "command"; what to answer.
    [[nodiscard]] std::expected<boost::json::value, channel::RpcError> take(
        std::int64_t now_unix_s, const boost::json::value& params);

    // What the hub has not heard is said again.
    void on_up();

  private:
    friend class CommandProgress;

    struct Waiting {
        std::string id;
        std::string method;
        boost::json::value params;
    };

    struct Method {
        std::string lane;
        Handler handler;
    };

    void run(const std::string& id, const std::string& method, const boost::json::value& params);
    void refuse(const std::string& id, const std::string& method, std::string why);
    void note(const std::string& id,
              CommandState state,
              std::int64_t percent,
              std::string message,
              boost::json::value result);
    void report(const std::string& id);
    void tell_end(const std::string& id, const std::string& method) const;
    // The method is free: one that waits for it begins.
    void free(const std::string& method);
    void save();

    channel::CommandGate* gate_;
    CommandLog* log_;
    Hooks hooks_;
    std::map<std::string, Method, std::less<>> methods_;
    std::set<std::string, std::less<>> busy_;                          // lanes
    std::map<std::string, std::deque<Waiting>, std::less<>> waiting_;  // by lane
    std::set<std::string, std::less<>> freeing_;  // lanes whose waiting commands begin just now
    std::shared_ptr<CommandRunner*> self_ = std::make_shared<CommandRunner*>(this);
};

}  // namespace isthmus::agent
