// Brings a node to the point where nobody is in a meeting on it, by its maintenance mode, and puts
// it back into service afterwards.
//
// Maintenance that somebody else switched on is waited for and left alone: what the agent itself
// switched on is noted in a file, for both node and agent may be started anew in between. On one
// io_context's thread; answers come later, never from within a call.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/time.h"
#include "tools/agent/node_api.h"

namespace isthmus::agent {

struct NodeDrainConfig {
    std::filesystem::path note;  // is there while the maintenance is the agent's
    Duration ask_every = std::chrono::seconds(2);
    // Past the deadline the node ends meetings itself; it is not waited for longer than this.
    Duration grace = std::chrono::minutes(1);
};

class NodeDrain {
  public:
    using Answer = std::move_only_function<void(Result<void>)>;
    // Who is still there, and until when: a sentence for an administrator, when it changes.
    using Tell = std::function<void(const std::string& what)>;

    // `api` outlives it.
    NodeDrain(boost::asio::io_context& io, NodeApi& api, NodeDrainConfig config);

    // Good once nothing runs, at the latest at the deadline, or where the node does not answer
    // anyway. One at a time.
    void begin(Duration deadline, Tell tell, Answer answer);
    // begin() answers with an error that says why.
    void cancel(std::string why);
    // Good once the node is in service again, or where the maintenance is not the agent's.
    // It is tried for `within`.
    void reopen(Duration within, Answer answer);

    // An administrator has said something about maintenance: it is theirs from now on.
    void disown() const;

    [[nodiscard]] bool busy() const { return answer_ != nullptr; }

  private:
    void ask();
    void on_maintenance(const Result<boost::json::value>& maintenance);
    void switch_on();
    void wait();
    void on_unanswered(const Error& error);
    void finish(Result<void> result);
    void tell(const boost::json::value& maintenance);
    void try_to_reopen(std::chrono::steady_clock::time_point until, std::shared_ptr<Answer> answer);

    NodeApi* api_;
    NodeDrainConfig config_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer reopening_;
    std::optional<std::chrono::steady_clock::time_point> latest_;  // where the deadline is ours
    Duration deadline_{};
    bool begun_ = false;  // the node was seen in maintenance
    std::string told_;
    Tell tell_;
    Answer answer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace isthmus::agent
