#include "tools/hub/fleet/counters.h"

namespace isthmus::hub {

std::int64_t next_number(const Context& context, const std::string& counter) {
    add_to_number(context, counter, 1);
    return number_of(context, counter).value_or(0);
}

std::optional<std::int64_t> number_of(const Context& context, const std::string& counter) {
    const auto row = context.sql->find({"value"}, "from counters where name = ?", {counter});
    return row ? std::optional(row->integer(0)) : std::nullopt;
}

void set_number(const Context& context, const std::string& counter, std::int64_t value) {
    context.sql->run(
        "insert into counters(name, value) values(?, ?) on conflict(name) do update set value = "
        "excluded.value",
        {counter, value});
}

void add_to_number(const Context& context, const std::string& counter, std::int64_t change) {
    context.sql->run(
        "insert into counters(name, value) values(?, ?) on conflict(name) do update set value = "
        "counters.value + excluded.value",
        {counter, change});
}

}  // namespace isthmus::hub
