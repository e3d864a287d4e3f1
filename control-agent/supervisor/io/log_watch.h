// Tells which files have grown, ten times a second at most: nothing is read, and no time is used,
// while nobody writes. inotify(7).
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace isthmus::supervisor {

class LogWatch {
  public:
    // `on_growth` gets the name that a file was added with.
    LogWatch(boost::asio::io_context& io, std::function<void(const std::string&)> on_growth);
    LogWatch(const LogWatch&) = delete;
    LogWatch& operator=(const LogWatch&) = delete;

    // Nothing happens where the kernel has no watches left: logs are read when somebody asks.
    void add(const std::filesystem::path& path, const std::string& name);
    // Look again, although nothing grew.
    void again(const std::string& name);

  private:
    void wait();
    void read_events();
    void tell_later();

    std::function<void(const std::string&)> on_growth_;
    boost::asio::posix::stream_descriptor events_;
    boost::asio::steady_timer timer_;
    std::map<int, std::string> names_;
    std::set<std::string> grown_;
    bool telling_ = false;
    alignas(8) std::array<char, 4096> buffer_{};
};

}  // namespace isthmus::supervisor
