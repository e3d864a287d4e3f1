// The engines behind SrtpFanout. Only srtp_fanout.cpp and the engines' tests include this.
#pragma once

#include <memory>

#include "base/error.h"
#include "media/transport/srtp_fanout.h"
#include "media/transport/srtp_key_derivation.h"

namespace isthmus::media::transport {

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
