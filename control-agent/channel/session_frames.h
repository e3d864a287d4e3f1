// The frames of a channel whose handshake is done: {"n":counter,"m":"JSON-RPC text","t":HMAC}.
//
// Internal to the two sessions. One key for each direction; the counter begins at 0, grows by one,
// and is part of what is authenticated, so that nothing can be left out, repeated or put elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "control-agent/channel/crypto.h"

namespace isthmus::channel {

// What ends a channel. The session is of no use after one.
enum class ChannelFault : std::uint8_t {
    kTooLong,
    kMalformed,
    kUnexpected,       // a message out of its turn
    kProtocolUnknown,  // no version in common
    kNonceMismatch,    // an answer to another challenge: a replay
    kWeakKey,          // an ephemeral key that would give the secret away
    kBadSignature,     // not who it says it is
    kUntrustedHub,     // a hub, but not ours
    kRefused,          // the hub says no (refusal())
    kBadTag,           // changed on the way
    kBadCounter,       // left out, repeated or reordered
};

[[nodiscard]] std::string_view to_string(ChannelFault fault);

// A message and what JSON and base64 add.
inline constexpr std::size_t kMessageBytesMax = 1024UL * 1024;
inline constexpr std::size_t kFrameBytesMax = 2 * kMessageBytesMax + 1024;
inline constexpr std::size_t kHandshakeBytesMax = 64UL * 1024;

class FrameWriter {
  public:
    explicit FrameWriter(Bytes key) : key_(std::move(key)) {}

    [[nodiscard]] std::string seal(std::string_view message);

  private:
    Bytes key_;
    std::uint64_t next_ = 0;
};

class FrameReader {
  public:
    explicit FrameReader(Bytes key) : key_(std::move(key)) {}

    [[nodiscard]] std::expected<std::string, ChannelFault> open(std::string_view frame);

  private:
    Bytes key_;
    std::uint64_t next_ = 0;
};

}  // namespace isthmus::channel
