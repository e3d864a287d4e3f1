#include "base/bounded_file.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace isthmus {
namespace {

// Of the bound: looks are a system call each, and what is kept must leave room.
constexpr std::uint64_t kLooks = 64;
constexpr std::uint64_t kKeptPart = 4;

}  // namespace

void BoundedFile::on_written(std::uint64_t bytes) {
    unseen_ += bytes;
    if (bytes_max_ == 0 || unseen_ < bytes_max_ / kLooks) {
        return;
    }
    unseen_ = 0;
    struct stat info{};
    if (::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode) &&
        static_cast<std::uint64_t>(info.st_size) > bytes_max_) {
        cut(static_cast<std::uint64_t>(info.st_size));
    }
}

void BoundedFile::cut(std::uint64_t size) const {
    std::string kept(static_cast<std::size_t>(std::min(size, bytes_max_ / kKeptPart)), '\0');
    const ssize_t got =
        ::pread(descriptor_, kept.data(), kept.size(), static_cast<off_t>(size - kept.size()));
    kept.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (const std::size_t line = kept.find('\n'); line != std::string::npos) {
        kept.erase(0, line + 1);  // it begins in the middle of one
    }
    if (::ftruncate(descriptor_, 0) != 0) {
        return;
    }
    std::size_t written = 0;
    while (written < kept.size()) {
        const ssize_t more = ::write(descriptor_, kept.data() + written, kept.size() - written);
        if (more <= 0) {
            return;
        }
        written += static_cast<std::size_t>(more);
    }
}

}  // namespace isthmus
