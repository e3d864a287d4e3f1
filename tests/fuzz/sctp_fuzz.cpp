// An SCTP association that is sent anything at all, as a client that came through DTLS can: chunks
// and whole packets with the checksum and tag that belong there, data and stream resets with the
// next sequence number, time, and what the node itself does in between.
//
// Input: records of an operation (one byte), a length or parameter (two bytes big-endian) and that
// many bytes where the operation has some. Holds: what is kept and sent stays within the limits,
// and packets are short. usrsctp draws tags at random, so that a run is not the same bit for bit.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/data/dcep.h"
#include "tests/media/data/data_pair.h"

namespace isthmus::media::data::testing {
namespace {

// As the corpus has them: their numbers stay.
enum class Operation : std::uint8_t {
    kChunks = 0,       // with the right tag
    kChunksNoTag = 1,  // as an INIT has it
    kPacket = 2,       // from the port on; only the checksum is made right
    kData = 3,   // stream (2 bytes), payload protocol, flags, distance to the next TSN, payload
    kReset = 4,  // of the streams named (2 bytes each), with the next request number
    // Without bytes.
    kPassTime = 5,    // 5 ms each
    kNodeSends = 6,   // so many bytes, on channel 0
    kNodeCloses = 7,  // a channel
};
constexpr std::uint8_t kOperations = 8;

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint16_t kPort = 5000;

std::array<std::uint32_t, 256> make_crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
        }
        table[i] = crc;
    }
    return table;
}

void set_checksum(std::span<std::byte> packet) {
    static const auto kTable = make_crc_table();
    store_be32(&packet[8], 0);
    std::uint32_t crc = ~0U;
    for (const std::byte byte : packet) {
        crc = (crc >> 8U) ^ kTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xffU];
    }
    store_be32(&packet[8], std::byteswap(~crc));
}

class AssociationUnderTest {
  public:
    AssociationUnderTest() {
        pair_.keep_sent = true;
        pair_.open();
        pair_.run(std::chrono::milliseconds(200));
        read_tag_and_numbers();
        pair_.keep_sent = false;
        // If this does not open a channel, the target reaches nothing worth testing.
        const auto open = write_dcep_open({.label = "chat", .protocol = ""});
        send_data(0, 50, 3, 0, open);
        CHECK(pair_.opened(kNode).size() == 1);
    }

    void act(Operation operation, std::span<const std::byte> bytes) {
        switch (operation) {
            case Operation::kChunks:
                return send_chunks(tag_, bytes);
            case Operation::kChunksNoTag:
                return send_chunks(0, bytes);
            case Operation::kPacket:
                return send_packet({bytes.begin(), bytes.end()});
            case Operation::kData:
                if (bytes.size() >= 5) {
                    send_data(load_be16(bytes.data()),
                              load_u8(&bytes[2]),
                              load_u8(&bytes[3]),
                              static_cast<std::int8_t>(load_u8(&bytes[4])),
                              bytes.subspan(5));
                }
                return;
            case Operation::kReset:
                return send_reset(bytes);
            default:
                return;
        }
    }

    void act(Operation operation, std::uint16_t parameter) {
        if (operation == Operation::kPassTime) {
            pair_.run(std::chrono::milliseconds(5) * (parameter % 1000));
        } else if (operation == Operation::kNodeSends) {
            pair_.send(kNode, 0, std::vector<std::byte>(parameter));
        } else {
            pair_.stack().close_channel(kNode, parameter);
        }
        pair_.run({});
    }

    void check() {
        const DataLimits limits;
        const DataCounters& counters = pair_.stack().counters();
        CHECK(counters.associations <= 2);
        CHECK(counters.channels <= 2 * limits.channels_max);
        CHECK(counters.queued_bytes <= 2 * limits.channel_queue_bytes_max);
        for (const DataMessage& message : pair_.messages(kNode)) {
            CHECK(message.bytes->size() <= limits.message_bytes_max);
        }
        pair_.clear();
    }

    [[nodiscard]] bool ended() const { return pair_.failure(kNode).has_value(); }

  private:
    // From the client's INIT and whatever it sent last.
    void read_tag_and_numbers() {
        for (const SctpPacket& packet : pair_.sent) {
            if (packet.association == kClient && packet.bytes.size() > 32) {
                const bool init = load_u8(&packet.bytes[kHeaderBytes]) == 1;
                if (init) {
                    next_tsn_ = load_be32(&packet.bytes[28]);
                }
            }
            if (packet.association == kClient && load_be32(&packet.bytes[4]) != 0) {
                tag_ = load_be32(&packet.bytes[4]);
            }
        }
        next_request_ = next_tsn_;
    }

    void send_packet(std::vector<std::byte> packet) {
        packet.resize(std::clamp<std::size_t>(packet.size(), kHeaderBytes, 1500));
        set_checksum(packet);
        pair_.stack().handle_packet(pair_.now(), kNode, packet);
        pair_.run({});
    }

    void send_chunks(std::uint32_t tag, std::span<const std::byte> chunks) {
        std::vector<std::byte> packet(kHeaderBytes);
        store_be16(packet.data(), kPort);
        store_be16(&packet[2], kPort);
        store_be32(&packet[4], tag);
        packet.insert(packet.end(), chunks.begin(), chunks.end());
        send_packet(std::move(packet));
    }

    void send_chunk(std::uint8_t type, std::uint8_t flags, std::span<const std::byte> value) {
        std::vector<std::byte> chunk(4);
        store_u8(chunk.data(), type);
        store_u8(&chunk[1], flags);
        store_be16(&chunk[2], static_cast<std::uint16_t>(4 + value.size()));
        chunk.insert(chunk.end(), value.begin(), value.end());
        chunk.resize((chunk.size() + 3) & ~std::size_t{3});
        send_chunks(tag_, chunk);
    }

    // RFC 9260 section 3.3.1
    void send_data(std::uint16_t stream,
                   std::uint8_t protocol,
                   std::uint8_t flags,
                   std::int8_t distance,
                   std::span<const std::byte> payload) {
        std::vector<std::byte> value(12);
        store_be32(value.data(), next_tsn_ + static_cast<std::uint32_t>(distance));
        store_be16(&value[4], stream);
        store_be16(&value[6], next_in_stream_[stream % next_in_stream_.size()]);
        store_be32(&value[8], protocol);
        value.insert(value.end(), payload.begin(), payload.end());
        value.resize(std::min<std::size_t>(value.size(), 1400));
        if (distance == 0) {
            ++next_tsn_;
            const bool ordered = (flags & 4U) == 0;
            const bool last = (flags & 1U) != 0;
            if (ordered && last) {
                ++next_in_stream_[stream % next_in_stream_.size()];
            }
        }
        send_chunk(0, flags & 7U, value);
    }

    // An outgoing SSN reset request (RFC 6525 section 4.1) in a RE-CONFIG chunk.
    void send_reset(std::span<const std::byte> streams) {
        streams = streams.first(std::min<std::size_t>(streams.size() & ~std::size_t{1}, 1000));
        std::vector<std::byte> value(16);
        store_be16(value.data(), 13);
        store_be16(&value[2], static_cast<std::uint16_t>(16 + streams.size()));
        store_be32(&value[4], next_request_++);
        store_be32(&value[8], 0);
        store_be32(&value[12], next_tsn_ - 1);
        value.insert(value.end(), streams.begin(), streams.end());
        send_chunk(130, 0, value);
    }

    DataPair pair_;
    std::uint32_t tag_ = 0;
    std::uint32_t next_tsn_ = 0;
    std::uint32_t next_request_ = 0;
    std::array<std::uint16_t, kStreams> next_in_stream_{};
};

void run(std::span<const std::byte> input) {
    AssociationUnderTest association;
    while (input.size() >= 3 && !association.ended()) {
        const auto operation = static_cast<Operation>(load_u8(input.data()) % kOperations);
        const std::uint16_t parameter = load_be16(&input[1]);
        input = input.subspan(3);
        if (operation >= Operation::kPassTime) {
            association.act(operation, parameter);
        } else {
            const std::size_t bytes = std::min<std::size_t>(parameter, input.size());
            association.act(operation, input.first(bytes));
            input = input.subspan(bytes);
        }
        const bool ended = association.ended();
        association.check();
        if (ended) {
            return;
        }
    }
}

}  // namespace
}  // namespace isthmus::media::data::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::data::testing::run(std::as_bytes(std::span(data, size)));
    return 0;
}
