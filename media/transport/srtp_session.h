// SRTP of what one peer sends us, and SRTCP both ways; libsrtp behind it.
//
// Holds replay windows and roll-over counters, which libsrtp keeps per SSRC. RTP towards the peer
// is protected elsewhere, in batches: srtp_fanout.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "base/error.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::media::transport {

enum class SrtpError : std::uint8_t {
    kMalformed,       // too short, or not RTP/RTCP
    kAuthentication,  // the tag is wrong
    kReplay,          // seen already, or older than the window
    kOther,
};

class SrtpSession {
  public:
    // `remote` protects what the peer sends, `local` the RTCP that we send.
    [[nodiscard]] static Result<SrtpSession> make(const SrtpMasterKey& remote,
                                                  const SrtpMasterKey& local);

    SrtpSession(SrtpSession&&) noexcept;
    SrtpSession& operator=(SrtpSession&&) noexcept;
    ~SrtpSession();

    // Decrypts in place; the result is a prefix of `packet`.
    [[nodiscard]] std::expected<std::span<std::byte>, SrtpError> unprotect_rtp(
        std::span<std::byte> packet);
    [[nodiscard]] std::expected<std::span<std::byte>, SrtpError> unprotect_rtcp(
        std::span<std::byte> packet);

    // Encrypts the first `plain_bytes` of `buffer` in place and returns the packet, which is up to
    // kSrtcpOverheadBytesMax longer; `buffer` has the room.
    [[nodiscard]] std::expected<std::span<std::byte>, SrtpError> protect_rtcp(
        std::span<std::byte> buffer, std::size_t plain_bytes);

  private:
    struct State;
    explicit SrtpSession(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Tag 16 and index 4 (RFC 7714 section 9), rounded up.
inline constexpr std::size_t kSrtcpOverheadBytesMax = 32;

}  // namespace isthmus::media::transport
