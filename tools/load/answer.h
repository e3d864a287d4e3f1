// What a node's answer to one of our offers says, without any SDP in it.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "media/client/client_section.h"
#include "media/transport/dtls_identity.h"
#include "media/transport/ice.h"

namespace isthmus::load {

struct NodeAnswer {
    media::transport::IceCredentials ice;
    media::transport::Fingerprint fingerprint;
    // Ours: the other one than the node's.
    media::transport::DtlsRole role = media::transport::DtlsRole::kClient;
    std::vector<media::transport::SocketAddress> candidates;  // host candidates over UDP
    std::vector<media::client::ClientSection> sections;       // in m-line order
};

// The sentence says what is missing.
[[nodiscard]] Result<NodeAnswer> read_answer(std::string_view sdp);

}  // namespace isthmus::load
