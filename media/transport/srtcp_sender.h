// Protects the RTCP that we send to one peer.
//
// One index counts the packets of all our SSRCs: it never repeats, which is all that RFC 3711
// section 3.4 asks of it, and its 2^31 last for months.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "media/transport/srtp_cipher.h"
#include "media/transport/srtp_session.h"

namespace isthmus::media::transport {

class SrtcpSender {
  public:
    // `cipher` outlives this. `index` is the last one that was used.
    SrtcpSender(const SrtpMasterKey& local, SrtpCipher& cipher, std::uint32_t index = 0);

    // As SrtpSession::protect_rtcp(). kOther once the indices are used up.
    [[nodiscard]] SrtpResult protect(std::span<std::byte> buffer, std::size_t plain_bytes);

  private:
    SrtpCipher* cipher_;
    std::unique_ptr<SrtpExpandedKey> key_;
    std::uint32_t index_;
};

}  // namespace isthmus::media::transport
