// A request to the operations API: text of the form "METHOD TARGET\nHeader: value\n\nbody", with
// the right key where a header says so. The target goes through the server's own parser.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/http/server_target.h"
#include "signaling/api/operations_api.h"
#include "tests/signaling/scripted_switchboard.h"

namespace isthmus::signaling {
namespace {

std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::optional<http::Request> read_request(std::string_view text) {
    http::Request request;
    const std::string_view line = take_line(text);
    const std::size_t space = line.find(' ');
    request.method = line.substr(0, space);
    auto target = http::parse_target(space == std::string_view::npos ? "" : line.substr(space + 1));
    if (!target) {
        return std::nullopt;
    }
    CHECK(target->path.starts_with('/'));
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    for (std::string_view field = take_line(text); !field.empty(); field = take_line(text)) {
        const std::size_t colon = field.find(": ");
        if (colon != std::string_view::npos) {
            request.headers.emplace(field.substr(0, colon), field.substr(colon + 2));
        }
    }
    request.body = text;
    return request;
}

media::sfu::ConferenceInfo demo() {
    media::sfu::ConferenceInfo conference;
    conference.name = "demo";
    conference.participants.emplace_back().identity = "alice";
    conference.participants[0].tracks.emplace_back().streams.emplace_back();
    conference.participants[0].subscriptions.emplace_back();
    return conference;
}

void run(std::string_view text) {
    auto request = read_request(text);
    if (!request) {
        return;
    }
    ScriptedSwitchboard switchboard;
    switchboard.conferences = {demo()};
    switchboard.workers.resize(1);
    api::OperationsApi operations({.keys = {{"key", "0123456789abcdef0123456789abcdef"}},
                                   .metrics_require_key = true,
                                   .version = "0"},
                                  {.now_unix_s = [] { return std::int64_t{1'800'000'000}; },
                                   .http_counters = [] { return http::ServerCounters{}; },
                                   .signaling_stats = [] { return api::SignalingStats{}; },
                                   .process_stats = [] { return api::ProcessStats{}; }},
                                  switchboard);
    http::Router router;
    operations.add_routes(router);
    int answers = 0;
    unsigned status = 0;
    router.dispatch(std::move(*request), [&](const http::Response& response) {
        ++answers;
        status = response.status;
    });
    switchboard.answer_all();
    CHECK(answers == 1);
    CHECK(status >= 200 && status < 600 && status != 500);
}

}  // namespace
}  // namespace isthmus::signaling

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::signaling::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
