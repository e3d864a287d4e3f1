// Lets hash maps keyed by std::string be searched with a std::string_view.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace isthmus {

struct StringHash {
    using is_transparent = void;

    [[nodiscard]] std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};

}  // namespace isthmus
