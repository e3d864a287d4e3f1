// Stands for the signaling thread: tasks that any thread leaves here run on the test's own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace isthmus::media {

class SignalingQueue {
  public:
    using Task = std::move_only_function<void()>;

    // Any thread.
    void post(Task task);

    // Runs tasks until `done`. False where that does not come within some seconds.
    [[nodiscard]] bool run_until(const std::function<bool()>& done);

    // Runs what is there.
    void run_waiting();

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Task> tasks_;
};

}  // namespace isthmus::media
