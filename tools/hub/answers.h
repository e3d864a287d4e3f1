// What other threads have for the network thread: run there, in order, a wake-up for each burst.
//
// Holds it itself rather than leaving it in the io_context, so that it can be dropped while that
// still lives: who waits for an HTTP answer must not learn of its loss from a dying io_context.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace isthmus::hub {

class Answers : public std::enable_shared_from_this<Answers> {
  public:
    using Answer = std::move_only_function<void()>;

    explicit Answers(boost::asio::io_context& io) : io_(&io) {}

    // Any thread. Dropped after close().
    void push(Answer answer) {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        if (waiting_.empty()) {
            boost::asio::post(*io_, [held = weak_from_this()] {
                if (const auto answers = held.lock()) {
                    answers->drain();
                }
            });
        }
        waiting_.push_back(std::move(answer));
    }

    void close() {
        std::vector<Answer> dropped;
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
            dropped.swap(waiting_);
        }
    }

  private:
    void drain() {
        std::vector<Answer> batch;
        {
            const std::lock_guard lock(mutex_);
            batch.swap(waiting_);
        }
        for (Answer& answer : batch) {
            answer();
        }
    }

    boost::asio::io_context* io_;
    std::mutex mutex_;
    std::vector<Answer> waiting_;
    bool closed_ = false;
};

}  // namespace isthmus::hub
