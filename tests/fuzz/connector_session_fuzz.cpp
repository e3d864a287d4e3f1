// What a connector sends, after a good hello that the first byte may leave out; the second says how
// the bytes are cut, and how fast they come.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "control-agent/connectors/connector_session.h"

namespace {

using isthmus::connectors::ConnectorLimits;
using isthmus::connectors::ConnectorManifest;
using isthmus::connectors::ConnectorSession;
using isthmus::connectors::EventTold;
using isthmus::connectors::HubCallAsked;
using isthmus::connectors::Violation;

constexpr std::string_view kHello =
    R"({"jsonrpc":"2.0","id":1,"method":"hello","params":{"token":"t","name":"a","version":"1","contract":1}})"
    "\n";

// Drains the session as a host would. False once it was cut off.
bool drain(ConnectorSession& session) {
    std::size_t sent = 0;
    while (const auto line = session.poll_output()) {
        CHECK(line->ends_with('\n') && line->find('\n') == line->size() - 1);
        sent += line->size();
    }
    CHECK(sent <= 16UL * 1024 * 1024);
    while (auto event = session.poll_event()) {
        if (std::holds_alternative<Violation>(*event)) {
            CHECK(!session.poll_event());
            return false;
        }
        if (const auto* const call = std::get_if<HubCallAsked>(&*event)) {
            CHECK(call->method.starts_with("hub."));
            session.answer_hub_call(call->call, boost::json::value(call->params));
        } else if (const auto* const told = std::get_if<EventTold>(&*event)) {
            CHECK(told->kind == "e");
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    ConnectorManifest manifest;
    manifest.name = "a";
    manifest.version = "1";
    manifest.hub_methods = {"hub.*"};
    manifest.events = {"e"};
    const ConnectorLimits limits{.message_bytes = 8192};
    isthmus::Instant now{std::chrono::seconds(1)};
    ConnectorSession session(manifest, limits, "t", now);
    if ((data[0] & 1U) == 0) {
        session.handle_bytes(now, kHello);
        CHECK(session.is_ready());
        session.configure(now, 1, boost::json::value());
    }
    const std::size_t step = std::size_t{data[1]} + 1;
    std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
    bool good = drain(session);
    while (good && !rest.empty()) {
        const std::string_view piece = rest.substr(0, step);
        rest.remove_prefix(piece.size());
        now += std::chrono::milliseconds(data[0] >> 1U);
        session.handle_bytes(now, piece);
        if (session.next_timeout() <= now) {
            session.on_timeout(now);
        }
        good = drain(session);
    }
    session.handle_bytes(now, kHello);
    drain(session);
    return 0;
}
