#include "tools/agent/node_drain.h"

#include <system_error>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/json_fields.h"
#include "control-agent/channel/key_file.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

std::string mode_of(const json::value& maintenance) {
    return channel::text_field(maintenance, "mode").value_or("");
}

std::int64_t seconds_of(Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

NodeDrain::NodeDrain(boost::asio::io_context& io, NodeApi& api, NodeDrainConfig config)
    : api_(&api), config_(std::move(config)), timer_(io), reopening_(io) {}

void NodeDrain::begin(Duration deadline, Tell tell, Answer answer) {
    deadline_ = deadline;
    latest_.reset();
    begun_ = false;
    told_.clear();
    tell_ = std::move(tell);
    answer_ = std::move(answer);
    ask();
}

void NodeDrain::cancel(std::string why) {
    if (!busy()) {
        return;
    }
    boost::asio::post(timer_.get_executor(),
                      [this, alive = std::weak_ptr(alive_), why = std::move(why)]() mutable {
                          if (alive.lock() && busy()) {
                              finish(make_error(ErrorCode::kConflict, std::move(why)));
                          }
                      });
}

void NodeDrain::finish(Result<void> result) {
    timer_.cancel();
    tell_ = nullptr;
    Answer answer = std::exchange(answer_, nullptr);
    answer(std::move(result));
}

void NodeDrain::ask() {
    api_->ask_maintenance(
        [this, alive = std::weak_ptr(alive_)](const Result<json::value>& maintenance) {
            if (alive.lock() && busy()) {
                on_maintenance(maintenance);
            }
        });
}

void NodeDrain::on_maintenance(const Result<json::value>& maintenance) {
    if (!maintenance) {
        on_unanswered(maintenance.error());
        return;
    }
    const std::string mode = mode_of(*maintenance);
    // Past its deadline the node should have ended them itself.
    const bool late = latest_ && std::chrono::steady_clock::now() > *latest_;
    if (mode == "off" && !begun_) {
        switch_on();
    } else if (mode == "off") {
        disown();
        finish(make_error(ErrorCode::kConflict,
                          "maintenance was switched off while the last meetings were waited for"));
    } else if (mode == "on" || late) {
        finish({});
    } else {
        begun_ = true;
        tell(*maintenance);
        wait();
    }
}

// The note first: an agent that is killed here puts a node back that never left.
void NodeDrain::switch_on() {
    std::error_code ignored;
    std::filesystem::create_directories(config_.note.parent_path(), ignored);
    if (const auto noted = channel::write_private_file(config_.note, "\n"); !noted) {
        finish(std::unexpected(noted.error()));
        return;
    }
    latest_ = std::chrono::steady_clock::now() + deadline_ + config_.grace;
    api_->set_maintenance(
        json::object{{"mode", "on"}, {"deadline_s", seconds_of(deadline_)}},
        [this, alive = std::weak_ptr(alive_)](const Result<json::value>& maintenance) {
            if (alive.lock() && busy()) {
                begun_ = true;
                on_maintenance(maintenance);
            }
        });
}

void NodeDrain::wait() {
    timer_.expires_after(config_.ask_every);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && busy()) {
            ask();
        }
    });
}

// A node that is down has no meetings; one that serves and does not say is not to be ended by us.
void NodeDrain::on_unanswered(const Error& error) {
    api_->ask_health([this, alive = std::weak_ptr(alive_), why = error.message](
                         const Result<json::value>& health) {
        if (!alive.lock() || !busy()) {
            return;
        }
        if (!health) {
            finish({});
        } else {
            finish(make_error(ErrorCode::kUnavailable,
                              "the node cannot be asked to let its meetings finish (" + why +
                                  "); --now restarts it all the same"));
        }
    });
}

void NodeDrain::tell(const json::value& maintenance) {
    std::string now =
        fmt::format("waiting for {} meetings with {} people; at {} they are ended",
                    channel::integer_field(maintenance, "conferences").value_or(0),
                    channel::integer_field(maintenance, "participants").value_or(0),
                    channel::text_field(maintenance, "ends_at").value_or("the deadline"));
    if (now != told_ && tell_) {
        told_ = std::move(now);
        tell_(told_);
    }
}

void NodeDrain::disown() const {
    std::error_code ignored;
    std::filesystem::remove(config_.note, ignored);
}

void NodeDrain::reopen(Duration within, Answer answer) {
    auto held = std::make_shared<Answer>(std::move(answer));
    if (!std::filesystem::exists(config_.note)) {
        boost::asio::post(timer_.get_executor(), [held] { (*held)({}); });
        return;
    }
    try_to_reopen(std::chrono::steady_clock::now() + within, std::move(held));
}

void NodeDrain::try_to_reopen(std::chrono::steady_clock::time_point until,
                              std::shared_ptr<Answer> answer) {
    api_->set_maintenance(
        json::object{{"mode", "off"}},
        [this, alive = std::weak_ptr(alive_), until, answer = std::move(answer)](
            const Result<json::value>& off) mutable {
            if (!alive.lock()) {
                return;
            }
            if (off) {
                disown();
                (*answer)({});
                return;
            }
            if (std::chrono::steady_clock::now() >= until) {
                // The note stays: the next one to come this way tries again.
                (*answer)(make_error(ErrorCode::kUnavailable,
                                     "the node is still in maintenance: " + off.error().message));
                return;
            }
            reopening_.expires_after(config_.ask_every);
            reopening_.async_wait([this, until, answer = std::move(answer)](
                                      const boost::system::error_code& error) mutable {
                if (!error) {
                    try_to_reopen(until, std::move(answer));
                }
            });
        });
}

}  // namespace isthmus::agent
