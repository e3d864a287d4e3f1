// A WebSocket as its client speaks it, without sockets: bytes in, messages and bytes out.
//
// Asks for no extension and no sub-protocol. Frames of the server are read within bounds; a ping
// is answered, a close too. Fragments of a message are put together. After every call, send what
// take_output() gives.
// Specification: RFC 6455.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "tools/load/http_message.h"

namespace isthmus::load {

struct WebSocketMessage {
    bool binary = false;
    std::string payload;
};

class WebSocketClient {
  public:
    enum class State : std::uint8_t { kOpening, kOpen, kClosed };

    // Begins to ask for an upgrade of `target`. `random` outlives the client.
    WebSocketClient(const HttpAuthority& authority, std::string_view target, RandomSource& random);

    // What the server sent. The sentence says why there is no going on; then the state is kClosed.
    [[nodiscard]] std::expected<void, std::string> push(std::string_view bytes);

    [[nodiscard]] std::optional<WebSocketMessage> poll_message();

    // Nothing goes out before the state is kOpen.
    void send(bool binary, std::string_view payload);
    void close(std::uint16_t code);

    // What waits to be sent; it is not kept.
    [[nodiscard]] std::string take_output() { return std::exchange(output_, {}); }

    [[nodiscard]] State state() const { return state_; }

    // What Sec-WebSocket-Accept says to a Sec-WebSocket-Key (section 4.2.2).
    [[nodiscard]] static std::string accept_of(std::string_view key);

  private:
    // A room of a thousand in one message is some 300 KiB.
    static constexpr std::size_t kMessageBytesMax = std::size_t{8} * 1024 * 1024;
    static constexpr std::size_t kHeadBytesMax = 8192;

    enum class Opcode : std::uint8_t {
        kContinuation = 0,
        kText = 1,
        kBinary = 2,
        kClose = 8,
        kPing = 9,
        kPong = 10,
    };

    // A frame at the beginning of the input, whole.
    struct Frame {
        bool last = false;
        Opcode opcode = Opcode::kText;
        std::string_view payload;
        std::size_t bytes = 0;  // with its header
    };

    [[nodiscard]] std::expected<bool, std::string> read_head();
    // Nothing where the frame is not whole yet.
    [[nodiscard]] std::expected<std::optional<Frame>, std::string> read_frame() const;
    [[nodiscard]] std::expected<void, std::string> handle(const Frame& frame);
    void write_frame(Opcode opcode, std::string_view payload);
    [[nodiscard]] std::unexpected<std::string> refuse(std::string why);

    RandomSource* random_;
    std::string accept_;  // that the server must show
    State state_ = State::kOpening;
    std::string input_;
    std::size_t at_ = 0;  // of input_ that is read already
    std::string output_;
    std::string message_;  // the fragments so far
    std::optional<Opcode> message_opcode_;
    std::deque<WebSocketMessage> messages_;
};

}  // namespace isthmus::load
