#include "tools/hub/tenancy/context.h"

#include "base/http/utf8.h"

namespace isthmus::hub {

std::string fault_of_name(std::string_view name) {
    constexpr std::size_t kNameBytesMax = 253;
    if (name.empty() || name.size() > kNameBytesMax) {
        return "a name has 1 to 253 bytes";
    }
    if (!http::is_utf8(name) || http::has_control_characters(name)) {
        return "a name is UTF-8 without control characters";
    }
    if (name.front() == ' ' || name.back() == ' ') {
        return "a name neither begins nor ends with a space";
    }
    return {};
}

}  // namespace isthmus::hub
