#include "control-agent/channel/command.h"

#include <optional>
#include <utility>

#include <boost/json/serialize.hpp>

#include "base/http/base64url.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::string_view kLabel = "isthmus-command-v1";

std::optional<Command> parse_payload(std::string_view payload) {
    const auto value = parse_json(payload, kCommandBytesMax);
    if (!value) {
        return std::nullopt;
    }
    auto node = text_field(*value, "node");
    const auto sequence = integer_field(*value, "sequence");
    const auto expires = integer_field(*value, "expires");
    auto id = text_field(*value, "id");
    auto method = text_field(*value, "method");
    if (!node || !sequence || *sequence < 0 || !expires || !id || !method) {
        return std::nullopt;
    }
    Command command{.node = std::move(*node),
                    .sequence = static_cast<std::uint64_t>(*sequence),
                    .expires_unix_s = *expires,
                    .id = std::move(*id),
                    .method = std::move(*method),
                    .params = {}};
    if (const json::value* params = find_field(*value, "params")) {
        command.params = *params;
    }
    return command;
}

}  // namespace

std::string_view to_string(CommandFault fault) {
    switch (fault) {
        case CommandFault::kMalformed:
            return "the command is malformed";
        case CommandFault::kUnknownKey:
            return "the command is signed with a key that is not our hub's";
        case CommandFault::kBadSignature:
            return "the command's signature is wrong";
        case CommandFault::kOtherNode:
            return "the command is for another node";
        case CommandFault::kReplayed:
            return "the command, or a later one, was taken before";
        case CommandFault::kExpired:
            return "the command came too late";
    }
    return "unknown";
}

json::object sign_command(const SigningKey& hub, const Command& command) {
    const std::string payload = json::serialize(json::object{{"node", command.node},
                                                             {"sequence", command.sequence},
                                                             {"expires", command.expires_unix_s},
                                                             {"id", command.id},
                                                             {"method", command.method},
                                                             {"params", command.params}});
    return {{"key", hub.public_key().id()},
            {"signature", http::encode_base64url(hub.sign(kLabel, {payload}))},
            {"payload", payload}};
}

std::expected<Command, CommandFault> CommandGate::admit(std::int64_t now_unix_s,
                                                        const json::value& params) {
    const auto key_id = text_field(params, "key");
    const auto signature = bytes_field(params, "signature", kSignatureBytes);
    const auto payload = text_field(params, "payload");
    if (!key_id || !signature || !payload || payload->size() > kCommandBytesMax) {
        return std::unexpected(CommandFault::kMalformed);
    }
    const PublicKey* key = trust_->find(*key_id);
    if (key == nullptr) {
        return std::unexpected(CommandFault::kUnknownKey);
    }
    if (!key->verify(kLabel, {*payload}, *signature)) {
        return std::unexpected(CommandFault::kBadSignature);
    }
    auto command = parse_payload(*payload);
    if (!command) {
        return std::unexpected(CommandFault::kMalformed);
    }
    if (command->node != node_) {
        return std::unexpected(CommandFault::kOtherNode);
    }
    if (command->sequence <= last_sequence_) {
        return std::unexpected(CommandFault::kReplayed);
    }
    // Taken, even where it comes too late: what was before it can not come any more.
    last_sequence_ = command->sequence;
    if (now_unix_s + clock_offset_s_ > command->expires_unix_s) {
        return std::unexpected(CommandFault::kExpired);
    }
    return std::move(*command);
}

}  // namespace isthmus::channel
