// The engines behind SrtpFanout. Only srtp_fanout.cpp and the engines' tests include this.
#pragma once

#include <cstring>
#include <memory>

#include "base/error.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_key_derivation.h"

namespace isthmus::media::transport {

// Writes the header to `out`, and returns where the cipher reads its job.plain_bytes() bytes: at
// the shared payload, or, where that has something before or behind it, at a copy in `out` that is
// encrypted in place. Copying costs 6 to 8 ns a packet, GCM over several pieces 26 to 30 (80 to
// 1200 bytes, AVX-512), and counter mode cannot stop within a block.
[[nodiscard]] inline const std::byte* place_plaintext(const SrtpJob& job) {
    std::memcpy(job.out, job.header.data(), job.header.size());
    if (job.prefix.empty() && job.padding_bytes == 0) {
        return job.payload.data();
    }
    std::byte* const plaintext = job.out + job.header.size();
    std::byte* to = plaintext;
    if (!job.prefix.empty()) {
        std::memcpy(to, job.prefix.data(), job.prefix.size());
        to += job.prefix.size();
    }
    if (!job.payload.empty()) {
        std::memcpy(to, job.payload.data(), job.payload.size());
        to += job.payload.size();
    }
    if (job.padding_bytes != 0) {
        std::memset(to, 0, job.padding_bytes - std::size_t{1});
        to[job.padding_bytes - 1] = std::byte{job.padding_bytes};
    }
    return plaintext;
}

class SrtpSessionKeyFanout : public SrtpFanout {
  public:
    [[nodiscard]] std::unique_ptr<SrtpSendKey> make_key(const SrtpMasterKey& master) final {
        return expand(derive_rtp_session_keys(master));
    }

    // The published test vectors begin here.
    [[nodiscard]] virtual std::unique_ptr<SrtpSendKey> expand(const SrtpSessionKeys& keys) = 0;
};

[[nodiscard]] std::unique_ptr<SrtpSessionKeyFanout> make_openssl_fanout();

// Fails where the library is not built in, or the CPU has no AES-NI.
[[nodiscard]] Result<std::unique_ptr<SrtpSessionKeyFanout>> make_ipsec_mb_fanout();

}  // namespace isthmus::media::transport
