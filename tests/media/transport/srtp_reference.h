// libsrtp as the reference sender and receiver, and packets to feed them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <srtp2/srtp.h>

#include "base/random.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_profile.h"
#include "media/transport/srtp_session.h"

namespace isthmus::media::transport {

[[nodiscard]] SrtpMasterKey random_master(RandomSource& random, SrtpProfile profile);

// Twelve bytes of header, then `payload_bytes` that differ from one another.
[[nodiscard]] std::vector<std::byte> plain_rtp(std::uint16_t sequence,
                                               std::uint32_t ssrc,
                                               std::size_t payload_bytes);

// A sender report's first words and filling; `bytes` is a multiple of 4.
[[nodiscard]] std::vector<std::byte> plain_rtcp(std::uint32_t ssrc, std::size_t bytes);

// The engine of that name, or where it cannot run here the one that can. Which of the two is tested
// on its own: SrtpFanoutChoice.
[[nodiscard]] std::unique_ptr<SrtpFanout> engine_or_other(SrtpEngine engine);

// "IpsecMb_SRTP_AEAD_AES_128_GCM", for suites over engines and profiles.
[[nodiscard]] std::string name_of(const std::tuple<SrtpEngine, SrtpProfile>& parameters);

struct SrtpContextDeleter {
    void operator()(srtp_ctx_t* context) const { srtp_dealloc(context); }
};

using SrtpContext = std::unique_ptr<srtp_ctx_t, SrtpContextDeleter>;

// What a peer does with its RTP and RTCP.
class ReferenceSrtpSender {
  public:
    explicit ReferenceSrtpSender(const SrtpMasterKey& master);

    [[nodiscard]] std::vector<std::byte> protect_rtp(std::span<const std::byte> plain);
    // With that roll-over counter; for an SSRC that has not sent yet.
    [[nodiscard]] std::vector<std::byte> protect_rtp(std::span<const std::byte> plain,
                                                     std::uint32_t roc);
    [[nodiscard]] std::vector<std::byte> protect_rtcp(std::span<const std::byte> plain);

    // Without copies: what benchmarks measure. `packet` has room for the tag; returns its size.
    [[nodiscard]] std::size_t protect_rtp_in_place(std::span<std::byte> packet,
                                                   std::size_t plain_bytes);

  private:
    SrtpContext context_;
};

// What SrtpSession is measured by, with a replay window of 1024 packets. In place.
class ReferenceSrtpReceiver {
  public:
    explicit ReferenceSrtpReceiver(const SrtpMasterKey& master);

    [[nodiscard]] SrtpResult unprotect_rtp(std::span<std::byte> packet);
    [[nodiscard]] SrtpResult unprotect_rtcp(std::span<std::byte> packet);

  private:
    SrtpContext context_;
};

}  // namespace isthmus::media::transport
