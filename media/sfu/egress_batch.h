// Collects what a batch of input led to, encrypts all of it in one pass and hands it on in one
// call.
//
// Driven by a worker: to() names a receiver, then per packet write_header() and commit(); flush()
// at the end of the batch. Payloads are shared between receivers and must stay where they are until
// flush(). Packets of one receiver that follow each other lie one behind the other in memory, and
// are padded where they differ by little, so that the socket can send them as one segmented
// message. No allocation after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "media/rtp/rtp_header_writer.h"
#include "media/transport/datagram.h"
#include "media/transport/run_padding.h"
#include "media/transport/srtp_fanout.h"

namespace isthmus::media::sfu {

struct EgressCounters {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // with header, padding and tag
    std::uint64_t padding_bytes = 0;
    std::uint64_t batches = 0;
    std::uint64_t oversized = 0;  // longer than kDatagramBytesMax once rewritten; not sent
};

// What a packet is besides its bytes.
struct EgressTraits {
    transport::TrafficKind kind = transport::TrafficKind::kVideo;
    // False where its bytes must stay as they are (FEC protects them); see transport::RunPadding.
    bool may_pad = true;
};

class EgressBatch {
  public:
    static constexpr std::size_t kHeaderBytesMax = rtp::kRtpHeaderBytesMax;
    // Room for the earlier frames of a RED packet (RFC 2198).
    static constexpr std::size_t kPrefixBytesMax = 600;
    // 256 packets are 384 KiB of ciphertext, well inside a core's L2 cache.
    static constexpr std::size_t kPacketsMax = 256;

    explicit EgressBatch(transport::SrtpFanout& fanout);

    // Room for payloads that no cache holds: repair packets.
    static constexpr std::size_t kOwnPayloadBytes = std::size_t{64} * transport::kDatagramBytesMax;

    // True where flush() is due before the next packet.
    [[nodiscard]] bool full() const {
        return jobs_.size() == kPacketsMax ||
               own_payloads_used_ + transport::kDatagramBytesMax > kOwnPayloadBytes;
    }

    [[nodiscard]] bool empty() const { return jobs_.empty(); }

    // The receiver of the packets that follow. `key` outlives flush(); `path` is copied.
    void to(const transport::SrtpSendKey& key, const transport::Path& path);

    // Where the next packet's header goes.
    [[nodiscard]] std::span<std::byte> header_room();

    // A place for a payload of one packet, until flush(). At most kDatagramBytesMax bytes; not
    // while full().
    [[nodiscard]] std::span<std::byte> take_payload_room(std::size_t bytes);

    // Queues a packet: `header_bytes` of header_room(), then `prefix`, which is copied and may have
    // kPrefixBytesMax, and `payload`, which ends in no padding. Returns the datagram's bytes
    // without padding; 0 where it is too long, and not queued. Not while full().
    std::size_t commit(std::size_t header_bytes,
                       std::span<const std::byte> prefix,
                       std::span<const std::byte> payload,
                       std::uint32_t roc,
                       const EgressTraits& traits = {});

    void flush(transport::DatagramSink& sink);

    [[nodiscard]] const EgressCounters& counters() const { return counters_; }

  private:
    static constexpr std::size_t kOwnBytes = kHeaderBytesMax + kPrefixBytesMax;

    void plan_padding();
    void lay_out();

    transport::SrtpFanout& fanout_;
    std::vector<transport::SrtpJob> jobs_;
    std::vector<transport::OutDatagram> datagrams_;
    std::vector<transport::RunPacket> run_packets_;
    std::vector<transport::Path> paths_;
    std::vector<std::byte> own_;  // what is not shared: each packet's header and prefix
    std::vector<std::byte> own_payloads_;
    std::size_t own_payloads_used_ = 0;
    std::vector<std::byte> out_;
    const transport::SrtpSendKey* key_ = nullptr;
    EgressCounters counters_;
};

}  // namespace isthmus::media::sfu
