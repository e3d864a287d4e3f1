// A DTLS association after its handshake, with a peer that may be anybody: records that are sealed
// with the right key but say anything, and datagrams that are anything.
//
// Input: steps of a byte of kind, two bytes big-endian of length, and bytes. Kind's low 3 bits: 0 a
// raw datagram; 1 to 4 a record of type 20 to 23 that the peer seals; 5 one of the type that the
// first byte says; 6 the datagram before it again, with a bit changed where the first two bytes
// say; 7 the datagram before it again. Holds: what is handed up is what the peer sealed as
// application data, each once and in the order in which it came; what is sent is bounded; nothing
// is said after the end.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/transport/dtls_session.h"

namespace isthmus::media::transport {
namespace {

using Bytes = std::vector<std::byte>;

[[nodiscard]] DtlsTrafficKey key_of(std::uint8_t fill) {
    DtlsTrafficKey key;
    key.key.fill(std::byte{fill});
    key.salt.fill(std::byte{fill});
    return key;
}

class Association {
  public:
    void step(unsigned kind, std::span<const std::byte> bytes) {
        const bool was_open = session_.state() == DtlsSession::State::kOpen;
        deliver(kind, bytes);
        while (const auto data = queues_.received.pop()) {
            CHECK(was_open && !expected_.empty() && *data == expected_.front());
            expected_.pop_front();
        }
        CHECK(expected_.empty());
        while (const auto out = queues_.outgoing.pop()) {
            CHECK(was_open && out->size() <= 100);
            ++sent_;
        }
        CHECK(sent_ <= ++steps_);
    }

  private:
    void deliver(unsigned kind, std::span<const std::byte> bytes) {
        switch (kind) {
            case 0:
                last_ = {bytes.begin(), bytes.end()};
                break;
            case 6:
                change(bytes);
                break;
            case 7:
                break;
            default:
                seal(kind, bytes);
                break;
        }
        session_.handle_datagram(last_, queues_);
    }

    void seal(unsigned kind, std::span<const std::byte> bytes) {
        auto type = static_cast<DtlsContentType>(19 + kind);
        if (kind == 5 && !bytes.empty()) {
            type = static_cast<DtlsContentType>(bytes[0]);
        }
        last_.clear();
        const auto content = bytes.first(std::min<std::size_t>(bytes.size(), 1163));
        peer_.seal(type, content, last_);
        if (type == DtlsContentType::kApplicationData && !content.empty() &&
            session_.state() == DtlsSession::State::kOpen) {
            expected_.emplace_back(content.begin(), content.end());
        }
    }

    // Nobody without the key can change a record so that it is taken; but for the version of an
    // alert, which came before.
    void change(std::span<const std::byte> bytes) {
        if (bytes.size() >= 2 && !last_.empty()) {
            const std::uint16_t bit = load_be16(bytes.data());
            last_[bit / 8 % last_.size()] ^= static_cast<std::byte>(1U << bit % 8);
        }
    }

    DtlsSession session_{DtlsHandover{
        .local = key_of(1), .remote = key_of(2), .next = {}, .last_flight = DtlsLastFlight{}}};
    DtlsRecordLayer peer_{key_of(2), key_of(1), {}};
    DtlsQueues queues_;
    Bytes last_;
    std::deque<Bytes> expected_;
    std::size_t sent_ = 0;
    std::size_t steps_ = 0;
};

void run(std::span<const std::byte> input) {
    Association association;
    while (input.size() >= 3) {
        const unsigned kind = std::to_integer<unsigned>(input[0]) % 8;
        const std::size_t bytes = std::min<std::size_t>(load_be16(&input[1]), input.size() - 3);
        association.step(kind, input.subspan(3, bytes));
        input = input.subspan(3 + bytes);
    }
}

}  // namespace
}  // namespace isthmus::media::transport

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    isthmus::media::transport::run(std::as_bytes(std::span(data, size)));
    return 0;
}
