#include "control-agent/channel/key_file.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace isthmus::channel {
namespace {

namespace fs = std::filesystem;

class File {
  public:
    explicit File(int fd) : fd_(fd) {}

    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

std::string errno_text() {
    return std::error_code(errno, std::generic_category()).message();
}

bool write_all(int fd, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        done += static_cast<std::size_t>(wrote);
    }
    return ::fsync(fd) == 0;
}

std::unexpected<Error> cannot_write(const fs::path& path) {
    return make_error(ErrorCode::kUnavailable,
                      fmt::format("cannot write {}: {}", path.string(), errno_text()));
}

}  // namespace

Result<void> write_private_file(const fs::path& path, const std::string& text) {
    const std::string temporary = path.string() + ".new";
    ::unlink(temporary.c_str());
    {
        constexpr mode_t kOwnerOnly = 0600;
        const File file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
        if (file.fd() < 0 || !write_all(file.fd(), text)) {
            auto failed = cannot_write(path);
            ::unlink(temporary.c_str());
            return failed;
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return cannot_write(path);
    }
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.fd() < 0 || ::fsync(directory.fd()) != 0) {
        return cannot_write(path);
    }
    return {};
}

Result<std::string> read_private_file(const fs::path& path, std::size_t bytes_max) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd() < 0) {
        return make_error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                          fmt::format("cannot read {}: {}", path.string(), errno_text()));
    }
    struct stat about = {};
    constexpr mode_t kOthers = 077;
    if (::fstat(file.fd(), &about) != 0 || !S_ISREG(about.st_mode)) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("{} is no ordinary file", path.string()));
    }
    if ((about.st_mode & kOthers) != 0) {
        return make_error(ErrorCode::kPermissionDenied,
                          fmt::format("{} holds a secret that others than its owner may read; "
                                      "run: chmod 600 {}",
                                      path.string(),
                                      path.string()));
    }
    std::string text;
    std::array<char, 4096> chunk{};
    while (true) {
        const ssize_t got = ::read(file.fd(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return make_error(ErrorCode::kUnavailable,
                              fmt::format("cannot read {}: {}", path.string(), errno_text()));
        }
        if (got == 0) {
            return text;
        }
        text.append(chunk.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max) {
            return make_error(ErrorCode::kInvalidArgument,
                              fmt::format("{} is longer than {} bytes", path.string(), bytes_max));
        }
    }
}

}  // namespace isthmus::channel
