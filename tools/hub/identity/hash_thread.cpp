#include "tools/hub/identity/hash_thread.h"

#include <utility>

namespace isthmus::hub {

HashThread::HashThread(Post post) : post_(std::move(post)), thread_([this] { work(); }) {}

HashThread::~HashThread() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

bool HashThread::run(Job work, Job done) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kWaitingMax) {
        return false;
    }
    waiting_.emplace_back(std::move(work), std::move(done));
    wake_.notify_one();
    return true;
}

void HashThread::work() {
    while (true) {
        std::pair<Job, Job> next;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (stopping_) {
                return;
            }
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        next.first();
        post_(std::move(next.second));
    }
}

}  // namespace isthmus::hub
