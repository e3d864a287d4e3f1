// ICE values that signaling and transport share.
#pragma once

#include <cstdint>
#include <string>

#include "media/transport/address.h"

namespace isthmus::media::transport {

// RFC 8445 section 5.3; ufrag 4 to 256 characters, pwd 22 to 256.
struct IceCredentials {
    std::string ufrag;
    std::string pwd;

    friend bool operator==(const IceCredentials&, const IceCredentials&) = default;
};

// A host candidate of the node; for TCP always tcptype passive (RFC 6544).
struct IceCandidate {
    Protocol protocol = Protocol::kUdp;
    SocketAddress address;
    std::uint32_t priority = 0;  // RFC 8445 section 5.1.2
    std::string foundation;
};

}  // namespace isthmus::media::transport
