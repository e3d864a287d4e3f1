// Any JSON as a signed command, and any text as the payload of one that is signed well. Sealed
// secrets too, for commands carry them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "base/http/base64url.h"
#include "base/random.h"
#include "control-agent/channel/command.h"
#include "control-agent/channel/exchange_key.h"
#include "control-agent/channel/json_fields.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace channel = isthmus::channel;
    namespace json = boost::json;
    constexpr std::int64_t kNow = 1'800'000'000;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static isthmus::SeededRandom random(8);
    static const channel::SigningKey kHub = channel::SigningKey::generate(random);
    static const channel::ExchangeKey kNode = channel::ExchangeKey::generate(random);
    channel::HubTrust trust({kHub.public_key().fingerprint()});
    trust.remember(kHub.public_key());
    channel::CommandGate gate(trust, "n", 5);

    const auto value = channel::parse_json(text, 65536);
    if (value) {
        CHECK(!gate.admit(kNow, *value));
        CHECK(!channel::open_secret(kNode, *value));
        std::ignore = channel::open_secrets(kNode, *value);
        std::ignore = channel::redact_secrets(*value);
        std::ignore = channel::parse_hub_keys(*value);
    }
    const json::object signed_text = {
        {"key", kHub.public_key().id()},
        {"signature", isthmus::http::encode_base64url(kHub.sign("isthmus-command-v1", {text}))},
        {"payload", text}};
    const auto command = gate.admit(kNow, signed_text);
    if (command) {
        CHECK(command->node == "n" && command->sequence > 5 && command->expires_unix_s >= kNow);
        CHECK(!gate.admit(kNow, signed_text));
    }
    return 0;
}
