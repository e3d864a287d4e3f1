#include "tools/load/web_socket.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <openssl/evp.h>

#include "base/check.h"
#include "signaling/sdp/text.h"

namespace isthmus::load {

namespace {

// SPEC rfc6455#5.2
constexpr std::uint8_t kLastFragment = 0x80;
constexpr std::uint8_t kReservedBits = 0x70;
constexpr std::uint8_t kOpcodeBits = 0x0f;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLengthBits = 0x7f;
constexpr std::size_t kLengthIn16Bits = 126;
constexpr std::size_t kLengthIn64Bits = 127;
constexpr std::size_t kControlBytesMax = 125;
constexpr std::size_t kKeyBytes = 16;

[[nodiscard]] std::string base64(std::span<const unsigned char> bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                         bytes.data(),
                                         static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

void append_big_endian(std::uint64_t value, std::size_t bytes, std::string& out) {
    for (std::size_t i = bytes; i-- > 0;) {
        out.push_back(static_cast<char>((value >> (8 * i)) & 0xffU));
    }
}

[[nodiscard]] std::uint64_t read_big_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char each : bytes) {
        value = (value << 8U) | static_cast<std::uint8_t>(each);
    }
    return value;
}

[[nodiscard]] std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    return text;
}

// Of "Name: value" lines; empty where there is none.
[[nodiscard]] std::string_view header_of(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const std::size_t end = std::min(head.find("\r\n"), head.size());
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos &&
            signaling::sdp::equal_without_case(line.substr(0, colon), name)) {
            return trimmed(line.substr(colon + 1));
        }
    }
    return {};
}

}  // namespace

std::string WebSocketClient::accept_of(std::string_view key) {
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    CHECK(::EVP_Digest(text.data(), text.size(), digest.data(), &length, ::EVP_sha1(), nullptr) ==
          1);
    return base64(std::span(digest).first(length));
}

WebSocketClient::WebSocketClient(const HttpAuthority& authority,
                                 std::string_view target,
                                 RandomSource& random)
    : random_(&random) {
    std::array<std::byte, kKeyBytes> bytes{};
    random.fill(bytes);
    const std::string key =
        base64({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
    accept_ = accept_of(key);
    output_.append("GET ").append(target).append(" HTTP/1.1\r\nHost: ").append(authority.text);
    output_.append("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13");
    output_.append("\r\nSec-WebSocket-Key: ").append(key).append("\r\n\r\n");
}

std::unexpected<std::string> WebSocketClient::refuse(std::string why) {
    state_ = State::kClosed;
    return std::unexpected(std::move(why));
}

std::expected<void, std::string> WebSocketClient::push(std::string_view bytes) {
    if (state_ == State::kClosed) {
        return {};
    }
    input_.append(bytes);
    if (state_ == State::kOpening) {
        const auto open = read_head();
        if (!open) {
            return refuse(open.error());
        }
        if (!*open) {
            return {};
        }
    }
    while (state_ == State::kOpen) {
        const auto frame = read_frame();
        if (!frame) {
            return refuse(frame.error());
        }
        if (!*frame) {
            break;
        }
        if (auto handled = handle(**frame); !handled) {
            return refuse(handled.error());
        }
        at_ += (*frame)->bytes;
    }
    input_.erase(0, std::exchange(at_, 0));
    return {};
}

std::expected<bool, std::string> WebSocketClient::read_head() {
    const std::size_t end = input_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (input_.size() > kHeadBytesMax) {
            return std::unexpected("its answer to the upgrade has no end");
        }
        return false;
    }
    const std::string_view head = std::string_view(input_).substr(0, end);
    if (!head.starts_with("HTTP/1.1 101 ")) {
        const std::string_view status = head.substr(0, std::min(head.find("\r\n"), head.size()));
        const std::string_view body = std::string_view(input_).substr(end + 4, 300);
        return std::unexpected("it answered " + std::string(status) + ": " + std::string(body));
    }
    if (header_of(head, "Sec-WebSocket-Accept") != accept_) {
        return std::unexpected("its answer to the upgrade has the wrong Sec-WebSocket-Accept");
    }
    at_ = end + 4;
    state_ = State::kOpen;
    return true;
}

std::expected<std::optional<WebSocketClient::Frame>, std::string> WebSocketClient::read_frame()
    const {
    std::string_view rest = std::string_view(input_).substr(at_);
    if (rest.size() < 2) {
        return std::nullopt;
    }
    const auto first = static_cast<std::uint8_t>(rest[0]);
    const auto second = static_cast<std::uint8_t>(rest[1]);
    if ((first & kReservedBits) != 0 || (second & kMasked) != 0) {
        return std::unexpected("a frame of it is masked or of an extension");
    }
    std::size_t header = 2;
    std::uint64_t length = second & kLengthBits;
    if (length >= kLengthIn16Bits) {
        const std::size_t bytes = length == kLengthIn16Bits ? 2 : 8;
        if (rest.size() < header + bytes) {
            return std::nullopt;
        }
        length = read_big_endian(rest.substr(header, bytes));
        header += bytes;
    }
    if (length > kMessageBytesMax) {
        return std::unexpected("a message of it is too large");
    }
    if (rest.size() - header < length) {
        return std::nullopt;
    }
    const auto size = static_cast<std::size_t>(length);
    return Frame{.last = (first & kLastFragment) != 0,
                 .opcode = static_cast<Opcode>(first & kOpcodeBits),
                 .payload = rest.substr(header, size),
                 .bytes = header + size};
}

std::expected<void, std::string> WebSocketClient::handle(const Frame& frame) {
    switch (frame.opcode) {
        case Opcode::kClose:
            write_frame(Opcode::kClose, frame.payload.substr(0, 2));
            state_ = State::kClosed;
            return {};
        case Opcode::kPing:
            if (frame.payload.size() > kControlBytesMax || !frame.last) {
                return std::unexpected("a ping of it is too large");
            }
            write_frame(Opcode::kPong, frame.payload);
            return {};
        case Opcode::kPong:
            return {};
        case Opcode::kText:
        case Opcode::kBinary:
        case Opcode::kContinuation:
            break;
        default:
            return std::unexpected("a frame of it is of no known kind");
    }
    if ((frame.opcode == Opcode::kContinuation) != message_opcode_.has_value()) {
        return std::unexpected("its fragments do not belong together");
    }
    if (message_.size() + frame.payload.size() > kMessageBytesMax) {
        return std::unexpected("a message of it is too large");
    }
    const Opcode opcode = message_opcode_.value_or(frame.opcode);
    message_.append(frame.payload);
    message_opcode_ = opcode;
    if (frame.last) {
        messages_.push_back(
            {.binary = opcode == Opcode::kBinary, .payload = std::exchange(message_, {})});
        message_opcode_.reset();
    }
    return {};
}

std::optional<WebSocketMessage> WebSocketClient::poll_message() {
    if (messages_.empty()) {
        return std::nullopt;
    }
    WebSocketMessage message = std::move(messages_.front());
    messages_.pop_front();
    return message;
}

void WebSocketClient::send(bool binary, std::string_view payload) {
    if (state_ == State::kOpen) {
        write_frame(binary ? Opcode::kBinary : Opcode::kText, payload);
    }
}

void WebSocketClient::close(std::uint16_t code) {
    if (state_ == State::kOpen) {
        std::string payload;
        append_big_endian(code, 2, payload);
        write_frame(Opcode::kClose, payload);
        state_ = State::kClosed;
    }
}

// SPEC rfc6455#5.3: a client masks, with a key that nobody can foresee.
void WebSocketClient::write_frame(Opcode opcode, std::string_view payload) {
    output_.push_back(static_cast<char>(kLastFragment | static_cast<std::uint8_t>(opcode)));
    if (payload.size() < kLengthIn16Bits) {
        output_.push_back(static_cast<char>(kMasked | payload.size()));
    } else if (payload.size() <= 0xffff) {
        output_.push_back(static_cast<char>(kMasked | kLengthIn16Bits));
        append_big_endian(payload.size(), 2, output_);
    } else {
        output_.push_back(static_cast<char>(kMasked | kLengthIn64Bits));
        append_big_endian(payload.size(), 8, output_);
    }
    std::string key;
    append_big_endian(random_->next_u32(), 4, key);
    output_.append(key);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        output_.push_back(static_cast<char>(payload[i] ^ key[i % 4]));
    }
}

}  // namespace isthmus::load
