#include "media/transport/srtp_fanout.h"

#include <utility>

#include "base/check.h"
#include "media/transport/srtp_fanout_engines.h"

namespace isthmus::media::transport {

Result<std::unique_ptr<SrtpFanout>> make_srtp_fanout(SrtpEngine engine) {
    switch (engine) {
        case SrtpEngine::kOpenSsl:
            return make_openssl_fanout();
        case SrtpEngine::kIpsecMb: {
            Result<std::unique_ptr<SrtpSessionKeyFanout>> fanout = make_ipsec_mb_fanout();
            if (!fanout) {
                return std::unexpected(std::move(fanout.error()));
            }
            return std::move(*fanout);
        }
        case SrtpEngine::kAuto: {
            Result<std::unique_ptr<SrtpSessionKeyFanout>> fanout = make_ipsec_mb_fanout();
            if (!fanout) {
                return make_openssl_fanout();
            }
            return std::move(*fanout);
        }
    }
    CHECK(false);
}

}  // namespace isthmus::media::transport
