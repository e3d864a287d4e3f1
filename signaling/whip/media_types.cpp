#include "signaling/whip/media_types.h"

#include <algorithm>

namespace isthmus::signaling::whip {

bool is_media_type(std::string_view content_type, std::string_view wanted) {
    std::string_view type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) {
        type.remove_suffix(1);
    }
    const auto to_lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(type, wanted, {}, to_lower, to_lower);
}

}  // namespace isthmus::signaling::whip
