// One SCTP association: a usrsctp socket, with what WebRTC asks of it (RFC 8831 section 6).
//
// What comes out of it within a call, packets as well as messages, is kept until it is taken.
// Messages are whole: usrsctp hands long ones over in parts. Data thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "media/data/data_event.h"
#include "media/data/data_limits.h"
#include "media/data/stream_sender.h"

struct socket;

namespace isthmus::media::data {

class SctpLibrary;

struct SctpConnected {};

struct SctpEnded {
    FailureReason reason = FailureReason::kAborted;
};

struct SctpMessage {
    std::uint16_t stream = 0;
    PayloadProtocol protocol = PayloadProtocol::kBinary;
    std::vector<std::byte> bytes;
};

struct SctpStreamReset {
    bool incoming = false;  // by the client; else the node's own, confirmed or refused
    std::vector<std::uint16_t> streams;
};

using SctpEvent = std::variant<SctpConnected, SctpEnded, SctpMessage, SctpStreamReset>;

class SctpSocket final : public StreamSender {
  public:
    // Begins to connect: the first packet is there to be taken. Both sides do.
    [[nodiscard]] static std::expected<std::unique_ptr<SctpSocket>, int> connect(
        SctpLibrary& library, const DataLimits& limits, std::uint16_t remote_port);
    // Without a word to the other side but an ABORT, which nobody can take any more.
    ~SctpSocket() override;
    SctpSocket(const SctpSocket&) = delete;
    SctpSocket& operator=(const SctpSocket&) = delete;

    [[nodiscard]] std::uint32_t number() const { return number_; }

    void handle_packet(std::span<const std::byte> packet);
    [[nodiscard]] Outcome send(const StreamMessage& message) override;
    [[nodiscard]] bool reset(std::uint16_t stream) override;
    // An ABORT is there to be taken; the association has ended.
    void abort();

    [[nodiscard]] std::vector<std::vector<std::byte>> take_packets();
    [[nodiscard]] std::vector<SctpEvent> take_events();

  private:
    friend class SctpLibrary;

    // What usrsctp calls back with; never across a call.
    struct Received;

    SctpSocket(SctpLibrary& library, const DataLimits& limits);
    // 0 or an errno.
    [[nodiscard]] int open(std::uint16_t remote_port);
    [[nodiscard]] bool configure();
    [[nodiscard]] bool configure_path(std::uint16_t remote_port);
    void on_output(std::span<const std::byte> packet);
    void on_received(const Received& received);
    void on_data(const Received& received);
    void on_notification(std::span<const std::byte> bytes);
    void on_association_change(std::uint16_t state);
    void on_stream_reset(std::span<const std::byte> bytes);

    SctpLibrary& library_;
    const DataLimits& limits_;
    std::uint32_t number_ = 0;
    struct ::socket* socket_ = nullptr;
    bool touched_ = false;  // SctpLibrary's
    std::vector<std::vector<std::byte>> packets_;
    std::vector<SctpEvent> events_;
    std::vector<std::byte> partial_;  // of a message that comes in parts
};

}  // namespace isthmus::media::data
