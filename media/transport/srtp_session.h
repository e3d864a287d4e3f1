// SRTP of what one peer sends us, and SRTCP both ways.
//
// Holds, per SSRC, which packets were seen and the roll-over counter. Decides as libsrtp does
// (tests/media/transport/srtp_session_difference_test.cpp), but for two things: SRTCP that is not
// encrypted is refused in the AEAD profiles as well, since nobody negotiates it, and the number of
// SSRCs is bounded. RTP towards the peer is protected elsewhere, in batches: srtp_fanout.h; many
// packets of many sessions are unprotected together by srtp_unprotect_batch.h. No MKI, no header
// extension encryption. Specification: RFC 3711, RFC 7714.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::media::transport {

enum class SrtpError : std::uint8_t {
    kMalformed,       // too short, or not RTP/RTCP
    kAuthentication,  // the tag is wrong
    kReplay,          // seen already, or older than the window
    kOther,
};

using SrtpResult = std::expected<std::span<std::byte>, SrtpError>;

enum class SrtpPacketKind : std::uint8_t { kRtp, kRtcp };

class SrtpSession {
  public:
    // `remote` protects what the peer sends, `local` the RTCP that we send. `engine` outlives the
    // session.
    SrtpSession(const SrtpMasterKey& remote, const SrtpMasterKey& local, SrtpFanout& engine);

    SrtpSession(SrtpSession&&) noexcept;
    SrtpSession& operator=(SrtpSession&&) noexcept;
    ~SrtpSession();

    // Decrypts in place; the result is a prefix of `packet`. Where it is an error, what `packet`
    // then holds is nobody's business.
    [[nodiscard]] SrtpResult unprotect_rtp(std::span<std::byte> packet);
    [[nodiscard]] SrtpResult unprotect_rtcp(std::span<std::byte> packet);

    // Encrypts the first `plain_bytes` of `buffer` in place and returns the packet, which is up to
    // kSrtcpOverheadBytesMax longer; `buffer` has the room.
    [[nodiscard]] SrtpResult protect_rtcp(std::span<std::byte> buffer, std::size_t plain_bytes);

  private:
    friend class SrtpUnprotectBatch;
    struct State;
    std::unique_ptr<State> state_;
};

// Tag 16 and index 4 (RFC 7714 section 9), rounded up.
inline constexpr std::size_t kSrtcpOverheadBytesMax = 32;

}  // namespace isthmus::media::transport
