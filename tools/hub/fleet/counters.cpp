#include "tools/hub/fleet/counters.h"

namespace isthmus::hub {

std::int64_t next_number(const Context& context, const std::string& counter) {
    context.sql->run(
        "insert into counters(name, value) values(?, 1) on conflict(name) do update set value = "
        "counters.value + 1",
        {counter});
    const auto row = context.sql->find({"value"}, "from counters where name = ?", {counter});
    return row ? row->integer(0) : 0;
}

}  // namespace isthmus::hub
