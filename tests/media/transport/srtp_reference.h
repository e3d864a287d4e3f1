// libsrtp as the reference sender, and packets to feed it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <srtp2/srtp.h>

#include "base/random.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::media::transport {

[[nodiscard]] SrtpMasterKey random_master(RandomSource& random, SrtpProfile profile);

// Twelve bytes of header, then `payload_bytes` that differ from one another.
[[nodiscard]] std::vector<std::byte> plain_rtp(std::uint16_t sequence,
                                               std::uint32_t ssrc,
                                               std::size_t payload_bytes);

// A sender report's first words and filling; `bytes` is a multiple of 4.
[[nodiscard]] std::vector<std::byte> plain_rtcp(std::uint32_t ssrc, std::size_t bytes);

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
    struct Deleter {
        void operator()(srtp_ctx_t* context) const { srtp_dealloc(context); }
    };

    std::unique_ptr<srtp_ctx_t, Deleter> context_;
};

}  // namespace isthmus::media::transport
