#include "tests/media/worker/io/signaling_queue.h"

#include <chrono>
#include <utility>

namespace isthmus::media {
namespace {

// Only a test that fails waits so long.
constexpr std::chrono::seconds kPatience{30};

}  // namespace

void SignalingQueue::post(Task task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
}

bool SignalingQueue::run_until(const std::function<bool()>& done) {
    while (!done()) {
        Task task;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait_for(lock, kPatience, [this] { return !tasks_.empty(); })) {
                return false;
            }
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
    }
    return true;
}

void SignalingQueue::run_waiting() {
    std::deque<Task> waiting;
    {
        const std::lock_guard lock(mutex_);
        waiting.swap(tasks_);
    }
    for (Task& task : waiting) {
        task();
    }
}

}  // namespace isthmus::media
