// What signaling negotiated for the data channels of one client's connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace isthmus::media::data {

// A data channel that the node opens (RFC 8832).
struct DataChannelConfig {
    std::string label;
    bool ordered = true;
    std::optional<std::uint16_t> max_retransmits = std::nullopt;  // nothing: reliable
};

// SCTP on the connection's DTLS association (RFC 8841), for data channels.
struct DataDescription {
    std::uint16_t remote_port = 5000;
    std::size_t remote_message_bytes_max = 65536;  // a=max-message-size; 0: any
    std::vector<DataChannelConfig> opens;          // as soon as SCTP is up
};

}  // namespace isthmus::media::data
