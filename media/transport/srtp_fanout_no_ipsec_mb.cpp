// Takes the place of srtp_fanout_ipsec_mb.cpp where the library does not exist.
#include "media/transport/srtp_fanout_engines.h"

namespace isthmus::media::transport {

Result<std::unique_ptr<SrtpSessionKeyFanout>> make_ipsec_mb_fanout() {
    return make_error(ErrorCode::kUnavailable,
                      "This build has no intel-ipsec-mb: choose the SRTP engine auto or openssl.");
}

}  // namespace isthmus::media::transport
