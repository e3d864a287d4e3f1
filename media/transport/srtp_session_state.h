// What an SrtpSession holds. Only srtp_session.cpp and srtp_unprotect_batch.cpp include this.
#pragma once

#include "media/transport/srtcp_sender.h"
#include "media/transport/srtp_inbound.h"

namespace isthmus::media::transport {

struct SrtpSession::State {
    State(const SrtpMasterKey& remote, const SrtpMasterKey& local, SrtpCipher& cipher)
        : inbound(remote, cipher), rtcp_sender(local, cipher) {}

    SrtpInbound inbound;
    SrtcpSender rtcp_sender;
};

}  // namespace isthmus::media::transport
