#include "tools/hub/api/endpoint.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/json_fields.h"

namespace isthmus::hub {

std::string ApiCall::parameter(std::string_view name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
}

std::string ApiCall::query_text(std::string_view name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
}

std::int64_t ApiCall::query_integer(std::string_view name,
                                    std::int64_t otherwise,
                                    std::int64_t max) const {
    const std::string text = query_text(name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool good = error == std::errc() && end == text.data() + text.size() && value >= 0;
    return good ? std::min(value, max) : otherwise;
}

Result<std::string> ApiCall::text(std::string_view name) const {
    auto value = channel::text_field(body, name);
    if (!value) {
        return make_error(ErrorCode::kInvalidArgument,
                          fmt::format("the body needs \"{}\", a text", name));
    }
    return std::move(*value);
}

std::vector<const Endpoint*> all_endpoints() {
    std::vector<const Endpoint*> all;
    for (const auto* table :
         {&tenancy_endpoints(), &fleet_endpoints(), &node_endpoints(), &share_endpoints()}) {
        for (const Endpoint& endpoint : *table) {
            all.push_back(&endpoint);
        }
    }
    return all;
}

Result<ApiAnswer> answer_with(Result<boost::json::value> body) {
    if (!body) {
        return std::unexpected(body.error());
    }
    return ApiAnswer{.status = 200, .body = std::move(*body)};
}

Result<ApiAnswer> answer_done(const Result<void>& done) {
    if (!done) {
        return std::unexpected(done.error());
    }
    return ApiAnswer{.status = 204, .body = nullptr};
}

}  // namespace isthmus::hub
