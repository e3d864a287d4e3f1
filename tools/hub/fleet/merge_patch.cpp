#include "tools/hub/fleet/merge_patch.h"

#include <utility>
#include <vector>

#include <boost/json/object.hpp>

namespace isthmus::hub {

namespace json = boost::json;

void merge_patch(json::value& target, const json::value& patch) {
    std::vector<std::pair<json::value*, const json::value*>> open = {{&target, &patch}};
    while (!open.empty()) {
        const auto [to, from] = open.back();
        open.pop_back();
        const json::object* changes = from->if_object();
        if (changes == nullptr) {
            *to = *from;
            continue;
        }
        if (!to->is_object()) {
            *to = json::object();
        }
        json::object& members = to->get_object();
        // Room first: pointers to members must last until they are worked on.
        members.reserve(members.size() + changes->size());
        for (const auto& [name, value] : *changes) {
            if (value.is_null()) {
                members.erase(name);
            } else if (!value.is_object()) {
                members[name] = value;
            }
        }
        for (const auto& [name, value] : *changes) {
            if (value.is_object()) {
                open.emplace_back(&members[name], &value);
            }
        }
    }
}

}  // namespace isthmus::hub
