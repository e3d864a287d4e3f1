#include "control-agent/supervisor/io/log_watch.h"

#include <chrono>
#include <cstring>
#include <utility>

#include <sys/inotify.h>
#include <unistd.h>

namespace isthmus::supervisor {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(100);

}  // namespace

LogWatch::LogWatch(boost::asio::io_context& io, std::function<void(const std::string&)> on_growth)
    : on_growth_(std::move(on_growth)), events_(io), timer_(io) {
    if (const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); descriptor >= 0) {
        events_.assign(descriptor);
        wait();
    }
}

void LogWatch::add(const std::filesystem::path& path, const std::string& name) {
    if (!events_.is_open()) {
        return;
    }
    const int watch = ::inotify_add_watch(events_.native_handle(), path.c_str(), IN_MODIFY);
    if (watch >= 0) {
        names_.insert_or_assign(watch, name);
    }
}

void LogWatch::again(const std::string& name) {
    grown_.insert(name);
    tell_later();
}

void LogWatch::wait() {
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                           if (!error) {
                               read_events();
                               tell_later();
                           }
                       });
}

void LogWatch::read_events() {
    const ssize_t size = ::read(events_.native_handle(), buffer_.data(), buffer_.size());
    for (std::size_t at = 0;
         size > 0 && at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
        inotify_event event{};
        std::memcpy(&event, buffer_.data() + at, sizeof event);
        at += sizeof event + event.len;
        if (const auto name = names_.find(event.wd); name != names_.end()) {
            grown_.insert(name->second);
        }
    }
}

// Waits first: what is written in the meantime is read with it.
void LogWatch::tell_later() {
    if (std::exchange(telling_, true)) {
        return;
    }
    timer_.expires_after(kBetweenLooks);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        telling_ = false;
        for (const std::string& name : std::exchange(grown_, {})) {
            on_growth_(name);
        }
        wait();
    });
}

}  // namespace isthmus::supervisor
