// Metrics as a page of docs names them, and as a program writes them: "name type".
#pragma once

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace isthmus {

// Of table rows "| `name` | type | ...". `page` is relative to the repository's root.
inline std::set<std::string> documented_metrics(const std::string& page) {
    std::ifstream file(page);
    std::set<std::string> documented;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| `")) {
            const std::size_t name_end = line.find('`', 3);
            const std::size_t type = line.find("| ", name_end) + 2;
            documented.insert(line.substr(3, name_end - 3) + " " +
                              line.substr(type, line.find(' ', type) - type));
        }
    }
    return documented;
}

// Of Prometheus's text format.
inline std::set<std::string> written_metrics(const std::string& text) {
    std::set<std::string> written;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# TYPE ")) {
            written.insert(line.substr(7));
        }
    }
    return written;
}

}  // namespace isthmus
