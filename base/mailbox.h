// A bounded queue of jobs for one thread, filled by any thread: how threads meet.
//
// push() says when the reader may be asleep, so that it is woken once per burst. A full mailbox
// refuses the job and counts it; the sender must have an answer for that. Control traffic only: a
// job allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace isthmus {

template <typename Receiver>
class Mailbox {
  public:
    using Job = std::move_only_function<void(Receiver&)>;

    explicit Mailbox(std::size_t limit) : limit_(limit) {}

    // Returns false where the mailbox is full or closed; `job` is the caller's still then. `wake`
    // tells the caller that the reader may be asleep and needs a signal. Any thread.
    [[nodiscard]] bool push(Job&& job, bool& wake) {
        const std::lock_guard lock(mutex_);
        if (closed_ || jobs_.size() >= limit_) {
            ++refused_;
            wake = false;
            return false;
        }
        wake = jobs_.empty();
        jobs_.push_back(std::move(job));
        return true;
    }

    // Runs what has been queued so far. Reader's thread.
    void drain(Receiver& receiver) {
        {
            const std::lock_guard lock(mutex_);
            batch_.swap(jobs_);
        }
        for (Job& job : batch_) {
            job(receiver);
        }
        batch_.clear();
    }

    // Refuses everything from now on.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }

    // Waiting now.
    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return jobs_.size();
    }

    [[nodiscard]] std::uint64_t refused() const {
        const std::lock_guard lock(mutex_);
        return refused_;
    }

  private:
    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::vector<Job> jobs_;
    std::uint64_t refused_ = 0;
    bool closed_ = false;
    std::vector<Job> batch_;  // reader's thread only
};

}  // namespace isthmus
