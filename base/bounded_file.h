// Keeps a log file that somebody else opened for us within a size: what is oldest goes.
//
// For a program whose standard error is a file that nobody empties while its supervisor is away. It
// is cut in place, for its name and folder are the supervisor's. Of a descriptor that is no regular
// file nothing happens. One thread, or under its owner's lock.
#pragma once

#include <cstdint>

namespace isthmus {

class BoundedFile {
  public:
    // `bytes_max` 0: no bound. The descriptor is opened for appending, and for reading too where
    // the newest quarter is to be kept.
    BoundedFile(int descriptor, std::uint64_t bytes_max)
        : descriptor_(descriptor), bytes_max_(bytes_max) {}

    // So much was written to it; the size is looked at once in a while.
    void on_written(std::uint64_t bytes);

  private:
    void cut(std::uint64_t size) const;

    int descriptor_;
    std::uint64_t bytes_max_;
    std::uint64_t unseen_ = 0;
};

}  // namespace isthmus
