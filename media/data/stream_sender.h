// How DataChannels reaches SCTP: implemented by SctpSocket, and by tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace isthmus::media::data {

// SCTP payload protocol identifiers (RFC 8831 section 8). A peer may send any other of 32 bits too.
enum class PayloadProtocol : std::uint32_t {  // NOLINT(performance-enum-size): see above
    kDcep = 50,
    kString = 51,
    kBinaryPartial = 52,  // deprecated, as is the next one
    kBinary = 53,
    kStringPartial = 54,
    kStringEmpty = 56,  // SCTP knows no empty messages: one byte stands for it
    kBinaryEmpty = 57,
};

struct StreamMessage {
    std::uint16_t stream = 0;
    PayloadProtocol protocol = PayloadProtocol::kBinary;
    bool ordered = true;
    // At most one of the two; neither: reliable.
    std::optional<std::uint32_t> max_retransmits;
    std::optional<std::uint32_t> lifetime_ms;
    std::span<const std::byte> bytes;
};

class StreamSender {
  public:
    enum class Outcome : std::uint8_t {
        kTaken,
        kFull,  // later
        kGone,  // never: the association has ended, or does not take such a message
    };

    virtual ~StreamSender() = default;

    [[nodiscard]] virtual Outcome send(const StreamMessage& message) = 0;
    // Resets what the node sends on `stream` (RFC 6525) once it is all delivered. False where the
    // association cannot.
    [[nodiscard]] virtual bool reset(std::uint16_t stream) = 0;
};

}  // namespace isthmus::media::data
