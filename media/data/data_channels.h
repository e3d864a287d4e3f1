// The data channels of one SCTP association (RFC 8831, RFC 8832): which there are, what may be sent
// on them and what waits, and how they are opened and closed.
//
// Driven by DataStack with what SCTP received; reaches SCTP through the StreamSender that each call
// brings. Drain poll_event() after every call. Knows no clock but for the rate of what is received.
// Leaves out: channels negotiated without DCEP, priorities, and the deprecated partial messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/data/channel_queue.h"
#include "media/data/data_counters.h"
#include "media/data/data_description.h"
#include "media/data/data_event.h"
#include "media/data/data_limits.h"
#include "media/data/rate_gate.h"
#include "media/data/stream_sender.h"

namespace isthmus::media::data {

struct DcepOpen;

// Whose stream ids are even: the DTLS client's (RFC 8832 section 6).
enum class StreamParity : std::uint8_t {
    kEven,  // the node is the DTLS client
    kOdd,   // the node is the DTLS server
};

class DataChannels {
  public:
    // `counters` and `limits` outlive it.
    DataChannels(const DataLimits& limits,
                 DataCounters& counters,
                 StreamParity parity,
                 const DataDescription& description);
    ~DataChannels();
    DataChannels(const DataChannels&) = delete;
    DataChannels& operator=(const DataChannels&) = delete;

    // SCTP is up: opens the node's own channels.
    void on_connected(StreamSender& sender);
    void on_message(Instant now,
                    std::uint16_t stream,
                    PayloadProtocol protocol,
                    std::vector<std::byte> bytes,
                    StreamSender& sender);
    // The client will send no more on `stream`: it closes the channel, or confirms that it is
    // closed.
    void on_incoming_reset(std::uint16_t stream, StreamSender& sender);
    // The client has confirmed the reset of what the node sent on `stream`, or refused it.
    void on_outgoing_reset(std::uint16_t stream);

    // Sends now, or as soon as SCTP has room.
    void send(const DataMessage& message, StreamSender& sender);
    // After what waits has been sent.
    void close(std::uint16_t channel, StreamSender& sender);
    // SCTP may have room again.
    void drain(StreamSender& sender);

    [[nodiscard]] bool waits() const { return waiting_messages_ > 0; }

    [[nodiscard]] std::optional<DataEvent> poll_event();

    // From then on nothing is sent or taken.
    [[nodiscard]] std::optional<FailureReason> failure() const { return failure_; }

    [[nodiscard]] std::size_t size() const { return channels_.size(); }

  private:
    enum class State : std::uint8_t {
        kOpening,  // the node's, not acknowledged yet
        kOpen,
        kEnding,   // closes when its queue is empty
        kClosing,  // reset
    };

    struct Channel {
        std::string label;
        bool ordered = true;
        std::optional<std::uint32_t> max_retransmits;
        std::optional<std::uint32_t> lifetime_ms;
        State state = State::kOpen;
        bool incoming_reset = false;
        bool outgoing_reset = false;
        ChannelQueue queue;

        [[nodiscard]] bool reliable() const { return !max_retransmits && !lifetime_ms; }
    };

    using Channels = std::map<std::uint16_t, Channel>;

    void on_dcep(std::uint16_t stream, std::span<const std::byte> bytes, StreamSender& sender);
    void on_open(std::uint16_t stream, const DcepOpen& open, StreamSender& sender);
    void on_ack(std::uint16_t stream);
    void on_payload(Instant now, std::uint16_t stream, bool binary, std::vector<std::byte> bytes);
    void open_own(const DataChannelConfig& config, StreamSender& sender);
    void send_entry(std::uint16_t stream,
                    Channel& channel,
                    ChannelQueue::Entry entry,
                    StreamSender& sender);
    [[nodiscard]] StreamSender::Outcome offer(std::uint16_t stream,
                                              const Channel& channel,
                                              const ChannelQueue::Entry& entry,
                                              StreamSender& sender);
    [[nodiscard]] bool fits(const Channel& channel, const ChannelQueue::Entry& entry) const;
    void wait(Channel& channel, ChannelQueue::Entry entry);
    void clear_queue(Channel& channel);
    // Sends from the channel's queue until it is empty (true) or SCTP is full.
    bool drain_one(std::uint16_t stream, Channel& channel, StreamSender& sender);
    void reset(Channels::iterator channel, StreamSender& sender);
    // Against the protocol: it is closed.
    void refuse(std::uint16_t stream, StreamSender& sender);
    void erase_if_done(Channels::iterator channel);
    void announce_open(std::uint16_t stream, const Channel& channel);
    void fail(FailureReason reason);
    [[nodiscard]] Channels::iterator add(std::uint16_t stream, Channel channel);
    [[nodiscard]] bool is_own(std::uint16_t stream) const;

    const DataLimits& limits_;
    DataCounters& counters_;
    StreamParity parity_;
    std::size_t remote_message_bytes_max_;
    std::vector<DataChannelConfig> opens_;
    RateGate message_rate_;
    Channels channels_;
    std::size_t waiting_messages_ = 0;
    std::uint16_t drain_from_ = 0;  // the channel that is served first next time
    std::deque<DataEvent> events_;
    std::optional<FailureReason> failure_;
};

}  // namespace isthmus::media::data
