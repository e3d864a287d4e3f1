#include "media/transport/srtp_fanout.h"

#include <utility>

#include "media/transport/srtp_fanout_engines.h"

namespace isthmus::media::transport {

Result<std::unique_ptr<SrtpFanout>> make_srtp_fanout(SrtpEngine engine) {
    if (engine == SrtpEngine::kOpenSsl) {
        return make_openssl_fanout();
    }
    Result<std::unique_ptr<SrtpSessionKeyFanout>> fanout = make_ipsec_mb_fanout();
    if (fanout) {
        return std::move(*fanout);
    }
    if (engine == SrtpEngine::kAuto) {
        return make_openssl_fanout();
    }
    return std::unexpected(std::move(fanout.error()));
}

}  // namespace isthmus::media::transport
