// The bytes of one connection to the node, plain or over TLS. Non-blocking: what would wait says
// so, and its owner tries again when the socket is ready.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "media/transport/io/file_descriptor.h"
#include "tools/load/tls_trust.h"

namespace isthmus::load {

enum class StreamState : std::uint8_t { kGood, kWaits, kEnded, kFailed };

class HttpStream {
  public:
    // Closed.
    HttpStream() = default;
    // `trust` is null for plain HTTP and otherwise outlives the stream; `host` is whom it asks for.
    HttpStream(media::transport::FileDescriptor fd, const TlsTrust* trust, const std::string& host);

    struct Moved {
        std::size_t bytes = 0;  // where kGood, more than none
        StreamState state = StreamState::kGood;
    };

    [[nodiscard]] Moved write(std::string_view bytes);
    [[nodiscard]] Moved read(std::span<char> into);

    // The last call waits for room to write; otherwise for something to read.
    [[nodiscard]] bool waits_for_room() const { return waits_for_room_; }

    // Why the last call failed.
    [[nodiscard]] const std::string& problem() const { return problem_; }

    [[nodiscard]] int fd() const { return fd_.get(); }

    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(fd_); }

  private:
    struct Free {
        void operator()(SSL* ssl) const;
    };

    [[nodiscard]] Moved judge_plain(std::ptrdiff_t moved, bool writing);
    [[nodiscard]] Moved judge_secure(int moved);

    media::transport::FileDescriptor fd_;
    bool secure_ = false;
    std::unique_ptr<SSL, Free> ssl_;  // goes before its socket
    bool waits_for_room_ = false;
    std::string problem_;
};

}  // namespace isthmus::load
