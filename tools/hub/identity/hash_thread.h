// A thread for what takes long on purpose: password hashes. Bounded, for everybody may ask for one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace isthmus::hub {

class HashThread {
  public:
    using Post = std::function<void(std::move_only_function<void()>)>;
    using Job = std::move_only_function<void()>;

    // `post` runs what it is given on the network thread.
    explicit HashThread(Post post);
    // What waits is dropped.
    ~HashThread();
    HashThread(const HashThread&) = delete;
    HashThread& operator=(const HashThread&) = delete;

    // `work` there, then `done` on the network thread. False where too many wait.
    [[nodiscard]] bool run(Job work, Job done);

  private:
    void work();

    // Some 40 ms each: a second or two of waiting, then 503.
    static constexpr std::size_t kWaitingMax = 32;

    Post post_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::pair<Job, Job>> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace isthmus::hub
