#include "control-agent/supervisor/io/log_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace isthmus::supervisor {
namespace {

std::uint64_t size_of(int descriptor) {
    struct stat info{};
    return ::fstat(descriptor, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

Result<LogFile> LogFile::open(const std::filesystem::path& path, bool from_the_end) {
    FileDescriptor file(::open(
        path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("{} cannot be opened: {}; is the disk full, and may the "
                                      "agent write there?",
                                      path.string(),
                                      std::generic_category().message(errno)));
    }
    const std::uint64_t size = size_of(file.get());
    const std::uint64_t offset = from_the_end ? size - std::min(size, kLogReadBytesMax) : size;
    return LogFile(std::move(file), offset);
}

bool LogFile::read(const std::function<void(std::string_view)>& bytes,
                   const std::function<void(std::uint64_t)>& gap) {
    std::uint64_t size = size_of(file_.get());
    if (size < offset_) {
        offset_ = 0;  // somebody else emptied it
    }
    // What came last says most: the middle is passed over.
    if (size - offset_ > kLogFileBytesMax) {
        gap(size - offset_ - kLogReadBytesMax);
        offset_ = size - kLogReadBytesMax;
    }
    read_to(std::min(size, offset_ + kLogReadBytesMax), bytes);
    size = size_of(file_.get());
    const bool is_read = offset_ >= size;
    // The program appends, so it goes on at the beginning. What it writes just now is lost.
    if ((size >= kLogFileBytesMax && is_read) || size >= kLogFloodBytesMax) {
        if (!is_read) {
            gap(size - offset_);
        }
        if (::ftruncate(file_.get(), 0) == 0) {
            offset_ = 0;
        }
        return false;
    }
    return !is_read;
}

void LogFile::read_to(std::uint64_t end, const std::function<void(std::string_view)>& bytes) {
    std::array<char, 16UL * 1024> buffer{};
    while (offset_ < end) {
        const ssize_t got = ::pread(file_.get(),
                                    buffer.data(),
                                    std::min<std::uint64_t>(buffer.size(), end - offset_),
                                    static_cast<off_t>(offset_));
        if (got <= 0) {
            return;
        }
        bytes({buffer.data(), static_cast<std::size_t>(got)});
        offset_ += static_cast<std::uint64_t>(got);
    }
}

}  // namespace isthmus::supervisor
