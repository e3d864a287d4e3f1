// Requests into the hub's API, one after the other within one transaction:
//
//     WHO METHOD TARGET
//     BODY
//     ----
//
// WHO is one of HubUnderTest::tokens(), or a token as it stands, "-" for none. "@node@" and the
// like become ids. Whatever is asked: the database is never at fault, and as long as only the first
// organisation asks, nothing of the other is shown or changed.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "base/http/server_target.h"
#include "tests/fuzz/hub_under_test.h"

namespace isthmus::hub {
namespace {

constexpr std::size_t kRequestsMax = 8;

std::string_view take(std::string_view& text, std::string_view end) {
    const std::size_t at = text.find(end);
    const std::string_view taken = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + end.size());
    return taken;
}

struct Asked {
    std::string who;
    http::Request request;
};

std::optional<Asked> read_request(const HubUnderTest& hub, std::string_view text) {
    std::string_view line = take(text, "\n");
    Asked asked;
    asked.who = take(line, " ");
    asked.request.method = take(line, " ");
    auto target = http::parse_target(hub.fill(line));
    if (!target) {
        return std::nullopt;
    }
    asked.request.path = std::move(target->path);
    asked.request.query = std::move(target->query);
    if (asked.who != "-") {
        const auto token = hub.tokens().find(asked.who);
        asked.request.headers.emplace(
            "Authorization", "Bearer " + (token == hub.tokens().end() ? asked.who : token->second));
    }
    asked.request.body = hub.fill(text);
    return asked;
}

// May it see and change something of the second organisation? Nobody may: failed logins count
// there. And who shares a node tells the other one so, and is told its name.
bool reaches_the_other(const Asked& asked) {
    return asked.who == "other" || asked.who == "operator" || asked.who == "-" ||
           asked.request.path.contains("/shares/");
}

void check(const HubUnderTest& hub, bool apart, const Result<ApiAnswer>& answer) {
    if (!answer) {
        CHECK(answer.error().code != ErrorCode::kInternal);
        CHECK(answer.error().code != ErrorCode::kUnavailable);
        CHECK(!answer.error().message.empty());
        return;
    }
    CHECK(answer->status >= 200 && answer->status < 300);
    if (apart) {
        CHECK(!boost::json::serialize(answer->body).contains(hub.others_mark()));
    }
}

void run(std::string_view text) {
    static HubUnderTest hub;
    std::vector<Asked> requests;
    while (!text.empty() && requests.size() < kRequestsMax) {
        if (auto asked = read_request(hub, take(text, "\n----\n"))) {
            // What it says itself it may be told again.
            if (asked->request.body.contains(hub.others_mark()) ||
                asked->request.path.contains(hub.others_mark())) {
                return;
            }
            requests.push_back(std::move(*asked));
        }
    }
    hub.run([&](const Context& context) {
        const std::string before = hub.others_rows(context);
        bool apart = true;
        for (Asked& asked : requests) {
            apart = apart && !reaches_the_other(asked);
            if (const auto answer = hub.call(context, std::move(asked.request))) {
                check(hub, apart, *answer);
            }
        }
        CHECK(!apart || hub.others_rows(context) == before);
    });
}

}  // namespace
}  // namespace isthmus::hub

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::hub::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
