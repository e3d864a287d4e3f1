// Messages of one line each out of a stream of bytes. Sans-I/O.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace isthmus::connectors {

class LineReader {
  public:
    explicit LineReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    // Calls `use` (std::string_view -> bool) for each whole line that is not empty, until it says
    // false. False: a line is longer than it may be, or `use` said so; nothing is read after that.
    template <typename Use>
    [[nodiscard]] bool add(std::string_view bytes, Use use) {
        while (!bytes.empty()) {
            const std::size_t end = bytes.find('\n');
            const std::string_view piece = bytes.substr(0, end);
            if (line_.size() + piece.size() > bytes_max_) {
                return false;
            }
            line_.append(piece);
            if (end == std::string_view::npos) {
                return true;
            }
            bytes.remove_prefix(end + 1);
            if (line_.ends_with('\r')) {
                line_.pop_back();
            }
            const bool go_on = line_.empty() || use(std::string_view(line_));
            line_.clear();
            if (!go_on) {
                return false;
            }
        }
        return true;
    }

  private:
    std::size_t bytes_max_;
    std::string line_;
};

}  // namespace isthmus::connectors
