// Aligned columns for people; scripts use --json.
#pragma once

#include <string>
#include <vector>

namespace isthmus::ctl {

class Table {
  public:
    explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

    // As many cells as the header has. Control characters in a cell come out as '?': names are
    // clients' words, and a terminal obeys escape sequences.
    void add(std::vector<std::string> cells);
    [[nodiscard]] std::string text() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace isthmus::ctl
