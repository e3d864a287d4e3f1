#include "control-agent/channel/session_frames.h"

#include <array>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/byte_order.h"
#include "base/http/base64url.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

Bytes tag_of(std::string_view key, std::uint64_t counter, std::string_view message) {
    std::array<std::byte, 8> number{};
    store_be64(number.data(), counter);
    Bytes text(reinterpret_cast<const char*>(number.data()), number.size());
    text += message;
    return hmac_sha256(key, text);
}

}  // namespace

std::string_view to_string(ChannelFault fault) {
    switch (fault) {
        case ChannelFault::kTooLong:
            return "a message is too long";
        case ChannelFault::kMalformed:
            return "a message is malformed";
        case ChannelFault::kUnexpected:
            return "a message came out of its turn";
        case ChannelFault::kProtocolUnknown:
            return "there is no version of the protocol that both speak; upgrade the older one";
        case ChannelFault::kNonceMismatch:
            return "the answer is to another challenge: somebody repeats an old session";
        case ChannelFault::kWeakKey:
            return "the other side's ephemeral key is weak";
        case ChannelFault::kBadSignature:
            return "the signature is wrong: the other side is not who it says it is";
        case ChannelFault::kUntrustedHub:
            return "this hub is not the one that the node was enrolled with";
        case ChannelFault::kRefused:
            return "the hub refused the node";
        case ChannelFault::kBadTag:
            return "a message was changed on its way";
        case ChannelFault::kBadCounter:
            return "a message was left out, repeated or reordered";
    }
    return "unknown";
}

std::string FrameWriter::seal(std::string_view message) {
    const Bytes tag = tag_of(key_, next_, message);
    return json::serialize(
        json::object{{"n", next_++}, {"m", message}, {"t", http::encode_base64url(tag)}});
}

std::expected<std::string, ChannelFault> FrameReader::open(std::string_view frame) {
    if (frame.size() > kFrameBytesMax) {
        return std::unexpected(ChannelFault::kTooLong);
    }
    constexpr std::size_t kDepth = 2;
    const auto value = parse_json(frame, kFrameBytesMax, kDepth);
    const auto counter = value ? integer_field(*value, "n") : std::nullopt;
    const auto tag = value ? bytes_field(*value, "t", kHashBytes) : std::nullopt;
    auto message = value ? text_field(*value, "m") : std::nullopt;
    if (!counter || *counter < 0 || !tag || !message) {
        return std::unexpected(ChannelFault::kMalformed);
    }
    if (message->size() > kMessageBytesMax) {
        return std::unexpected(ChannelFault::kTooLong);
    }
    // The tag first: only the other side itself can be said to have reordered.
    if (!equal_secrets(*tag, tag_of(key_, static_cast<std::uint64_t>(*counter), *message))) {
        return std::unexpected(ChannelFault::kBadTag);
    }
    if (static_cast<std::uint64_t>(*counter) != next_) {
        return std::unexpected(ChannelFault::kBadCounter);
    }
    ++next_;
    return std::move(*message);
}

}  // namespace isthmus::channel
