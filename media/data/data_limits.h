// How much one client, and all of them together, may cost.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace isthmus::media::data {

// The longest SCTP packet: with DTLS (37 bytes), UDP and IPv6 around it 1237 bytes, within the 1280
// that every IPv6 path carries. A multiple of four.
inline constexpr std::size_t kPacketBytesMax = 1152;

// Streams each way that SCTP agrees on: ids from 0 up, half of them for channels of each side.
inline constexpr std::uint16_t kStreams = 128;

struct DataLimits {
    std::size_t associations_max = 4000;
    std::size_t channels_max = 64;  // of one association, whoever opened them
    std::size_t label_bytes_max = 256;

    // Received; what signaling announces as a=max-message-size is not more.
    std::size_t message_bytes_max = 256UL * 1024;
    // From one client. A message above the rate is dropped, a packet is lost: its SCTP slows down.
    double messages_per_second_max = 2000;
    double messages_burst = 4000;
    double packets_per_second_max = 5000;
    double packets_burst = 2000;

    // Waiting for one channel beside what is in SCTP's own buffer. Beyond it an unreliable channel
    // loses the message, and the association of a reliable one fails.
    std::size_t channel_queue_bytes_max = 4UL * 1024 * 1024;
    std::size_t channel_queue_messages_max = 8192;
    std::size_t unreliable_queue_bytes_max = 256UL * 1024;
    // Waiting for all channels together: beyond it every queue counts as full.
    std::size_t queue_bytes_max = 512UL * 1024 * 1024;

    // SCTP's buffers, for one association: no message is longer than the send buffer; the receive
    // buffer is what the client may have in flight.
    std::uint32_t sctp_send_buffer_bytes = 320 * 1024;
    std::uint32_t sctp_receive_buffer_bytes = 256 * 1024;

    Duration handshake_max = std::chrono::seconds(30);
};

}  // namespace isthmus::media::data
