// Any text in each step of a session, on both sides, and any text within a frame whose tag is good:
// the fuzzer cannot forge one.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/random.h"
#include "control-agent/channel/agent_session.h"
#include "control-agent/channel/hub_session.h"
#include "control-agent/channel/json_rpc.h"

namespace {

namespace channel = isthmus::channel;

void read_rpc(std::string_view text) {
    const auto message = channel::parse_rpc(text);
    if (!message) {
        CHECK(channel::parse_rpc(channel::write_rpc_fault(message.error())).has_value());
        return;
    }
    const std::string written = channel::write_rpc(*message);
    const auto again = channel::parse_rpc(written);
    // What is written anew may be longer or say a number otherwise, but is the same kind of
    // message.
    CHECK(!again || again->index() == message->index());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static isthmus::SeededRandom random(7);
    static const channel::SigningKey kHubKey = channel::SigningKey::generate(random);
    static const channel::SigningKey kNodeKey = channel::SigningKey::generate(random);
    static const channel::HubIdentity kIdentity{
        .key = kHubKey, .links = {{.key = kHubKey.public_key(), .signature = {}}}};

    channel::HubTrust trust({kHubKey.public_key().fingerprint()});
    channel::AgentSession agent({.node = "n", .certificate = "c", .key = &kNodeKey}, trust, random);
    channel::HubSession hub(kIdentity, 1'800'000'000, random);
    const auto answer = agent.handle_handshake(hub.hello());
    CHECK(answer.has_value());
    {
        channel::AgentSession other(
            {.node = "n", .certificate = "c", .key = &kNodeKey}, trust, random);
        if (other.handle_handshake(text)) {
            CHECK(!other.established());
        }
        channel::HubSession asked(kIdentity, 1'800'000'000, random);
        if (asked.handle_authenticate(text)) {
            CHECK(!asked.accept(kNodeKey.public_key()));
        }
    }
    CHECK(hub.handle_authenticate(*answer).has_value());
    const auto welcome = hub.accept(kNodeKey.public_key());
    CHECK(welcome && agent.handle_handshake(*welcome).has_value());
    CHECK(!hub.open(text));
    const auto opened = agent.open(hub.seal(text));
    // Text that is not UTF-8 does not pass: JSON has none.
    CHECK(!opened || *opened == text);
    read_rpc(text);
    return 0;
}
