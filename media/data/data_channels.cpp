#include "media/data/data_channels.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "media/data/dcep.h"

namespace isthmus::media::data {
namespace {

using Bytes = std::shared_ptr<const std::vector<std::byte>>;
using Outcome = StreamSender::Outcome;

Bytes share(std::vector<std::byte> bytes) {
    return std::make_shared<const std::vector<std::byte>>(std::move(bytes));
}

// RFC 8831 section 6.6: one byte, which the receiver ignores.
const Bytes& empty_payload() {
    static const Bytes kBytes = share({std::byte{0}});
    return kBytes;
}

ChannelQueue::Entry entry_for(const DataMessage& message) {
    if (message.bytes->empty()) {
        return {.protocol =
                    message.binary ? PayloadProtocol::kBinaryEmpty : PayloadProtocol::kStringEmpty,
                .bytes = empty_payload()};
    }
    return {.protocol = message.binary ? PayloadProtocol::kBinary : PayloadProtocol::kString,
            .bytes = message.bytes};
}

}  // namespace

DataChannels::DataChannels(const DataLimits& limits,
                           DataCounters& counters,
                           StreamParity parity,
                           const DataDescription& description)
    : limits_(limits),
      counters_(counters),
      parity_(parity),
      // SPEC rfc8841#6.1: 0 means that any size is taken.
      remote_message_bytes_max_(
          description.remote_message_bytes_max == 0
              ? limits.message_bytes_max
              : std::min(description.remote_message_bytes_max, limits.message_bytes_max)),
      opens_(description.opens),
      message_rate_(limits.messages_per_second_max, limits.messages_burst) {}

DataChannels::~DataChannels() {
    for (auto& [stream, channel] : channels_) {
        clear_queue(channel);
    }
    counters_.channels -= channels_.size();
}

void DataChannels::on_connected(StreamSender& sender) {
    for (const DataChannelConfig& config : std::exchange(opens_, {})) {
        open_own(config, sender);
    }
}

void DataChannels::open_own(const DataChannelConfig& config, StreamSender& sender) {
    std::uint16_t stream = parity_ == StreamParity::kEven ? 0 : 1;
    while (channels_.contains(stream)) {
        stream += 2;
    }
    if (channels_.size() >= limits_.channels_max || stream >= kStreams) {
        ++counters_.channels_refused;
        return;
    }
    const auto added = add(stream,
                           {.label = config.label.substr(0, limits_.label_bytes_max),
                            .ordered = config.ordered,
                            .max_retransmits = config.max_retransmits,
                            .lifetime_ms = std::nullopt,
                            .state = State::kOpening,
                            .queue = {}});
    Channel& channel = added->second;
    send_entry(stream,
               channel,
               {.protocol = PayloadProtocol::kDcep,
                .bytes = share(write_dcep_open({.ordered = channel.ordered,
                                                .max_retransmits = channel.max_retransmits,
                                                .lifetime_ms = channel.lifetime_ms,
                                                .label = channel.label,
                                                .protocol = {}}))},
               sender);
}

void DataChannels::on_message(Instant now,
                              std::uint16_t stream,
                              PayloadProtocol protocol,
                              std::vector<std::byte> bytes,
                              StreamSender& sender) {
    if (failure_) {
        return;
    }
    switch (protocol) {
        case PayloadProtocol::kDcep:
            on_dcep(stream, bytes, sender);
            return;
        case PayloadProtocol::kString:
        case PayloadProtocol::kBinary:
            on_payload(now, stream, protocol == PayloadProtocol::kBinary, std::move(bytes));
            return;
        case PayloadProtocol::kStringEmpty:
        case PayloadProtocol::kBinaryEmpty:
            on_payload(now, stream, protocol == PayloadProtocol::kBinaryEmpty, {});
            return;
        case PayloadProtocol::kBinaryPartial:
        case PayloadProtocol::kStringPartial:
            break;
    }
    // What comes after it could not be understood.
    ++counters_.protocol_errors;
    refuse(stream, sender);
}

void DataChannels::on_dcep(std::uint16_t stream,
                           std::span<const std::byte> bytes,
                           StreamSender& sender) {
    const auto message = parse_dcep(bytes);
    if (!message) {
        ++counters_.protocol_errors;
        refuse(stream, sender);
        return;
    }
    if (const auto* open = std::get_if<DcepOpen>(&*message)) {
        on_open(stream, *open, sender);
    } else {
        on_ack(stream);
    }
}

void DataChannels::on_open(std::uint16_t stream, const DcepOpen& open, StreamSender& sender) {
    // SPEC rfc8832#6: a stream of ours, or one that is in use, is an error.
    if (is_own(stream) || channels_.contains(stream)) {
        ++counters_.protocol_errors;
        refuse(stream, sender);
        return;
    }
    if (channels_.size() >= limits_.channels_max || open.label.size() > limits_.label_bytes_max) {
        ++counters_.channels_refused;
        static_cast<void>(sender.reset(stream));
        return;
    }
    const auto added = add(stream,
                           {.label = std::string(open.label),
                            .ordered = open.ordered,
                            .max_retransmits = open.max_retransmits,
                            .lifetime_ms = open.lifetime_ms,
                            .state = State::kOpen,
                            .queue = {}});
    send_entry(stream,
               added->second,
               {.protocol = PayloadProtocol::kDcep, .bytes = share(write_dcep_ack())},
               sender);
    announce_open(stream, added->second);
}

void DataChannels::on_ack(std::uint16_t stream) {
    const auto found = channels_.find(stream);
    if (found == channels_.end() || found->second.state != State::kOpening) {
        ++counters_.protocol_errors;
        return;
    }
    found->second.state = State::kOpen;
    announce_open(stream, found->second);
}

void DataChannels::on_payload(Instant now,
                              std::uint16_t stream,
                              bool binary,
                              std::vector<std::byte> bytes) {
    const auto found = channels_.find(stream);
    if (found == channels_.end()) {
        ++counters_.messages_unroutable;
        return;
    }
    if (!message_rate_.take(now)) {
        ++counters_.messages_rate_limited;
        return;
    }
    Channel& channel = found->second;
    if (channel.state == State::kOpening) {  // overtook the acknowledgement
        channel.state = State::kOpen;
        announce_open(stream, channel);
    }
    if (channel.state == State::kClosing) {
        return;
    }
    ++counters_.messages_received;
    counters_.messages_received_bytes += bytes.size();
    events_.emplace_back(
        DataMessage{.channel = stream, .binary = binary, .bytes = share(std::move(bytes))});
}

void DataChannels::on_incoming_reset(std::uint16_t stream, StreamSender& sender) {
    const auto found = channels_.find(stream);
    if (found == channels_.end() || failure_) {
        return;
    }
    found->second.incoming_reset = true;
    if (found->second.state == State::kClosing) {
        erase_if_done(found);
    } else {
        // SPEC rfc8831#6.7: the other side answers with a reset of its own.
        reset(found, sender);
    }
}

void DataChannels::on_outgoing_reset(std::uint16_t stream) {
    const auto found = channels_.find(stream);
    if (found == channels_.end() || found->second.state != State::kClosing) {
        return;
    }
    found->second.outgoing_reset = true;
    erase_if_done(found);
}

void DataChannels::send(const DataMessage& message, StreamSender& sender) {
    if (failure_) {
        return;
    }
    const auto found = channels_.find(message.channel);
    const bool open = found != channels_.end() && (found->second.state == State::kOpen ||
                                                   found->second.state == State::kOpening);
    if (!open || message.bytes->size() > remote_message_bytes_max_) {
        ++counters_.messages_unroutable;
        return;
    }
    send_entry(message.channel, found->second, entry_for(message), sender);
}

void DataChannels::send_entry(std::uint16_t stream,
                              Channel& channel,
                              ChannelQueue::Entry entry,
                              StreamSender& sender) {
    if (channel.queue.empty()) {
        const Outcome outcome = offer(stream, channel, entry, sender);
        if (outcome != Outcome::kFull) {
            return;
        }
    }
    if (fits(channel, entry)) {
        wait(channel, std::move(entry));
    } else if (channel.reliable() || entry.protocol == PayloadProtocol::kDcep) {
        fail(FailureReason::kReadsTooSlowly);
    } else {
        ++counters_.messages_dropped;
    }
}

Outcome DataChannels::offer(std::uint16_t stream,
                            const Channel& channel,
                            const ChannelQueue::Entry& entry,
                            StreamSender& sender) {
    const bool control = entry.protocol == PayloadProtocol::kDcep;
    // SPEC rfc8832#6: in order until the opening is acknowledged, so that nothing overtakes it.
    const bool in_order = control || channel.ordered || channel.state == State::kOpening;
    const Outcome outcome =
        sender.send({.stream = stream,
                     .protocol = entry.protocol,
                     .ordered = in_order,
                     .max_retransmits = control ? std::nullopt : channel.max_retransmits,
                     .lifetime_ms = control ? std::nullopt : channel.lifetime_ms,
                     .bytes = *entry.bytes});
    if (outcome == Outcome::kTaken && !control) {
        ++counters_.messages_sent;
        counters_.messages_sent_bytes += entry.bytes->size();
    }
    if (outcome == Outcome::kGone) {
        ++counters_.messages_unroutable;
    }
    return outcome;
}

bool DataChannels::fits(const Channel& channel, const ChannelQueue::Entry& entry) const {
    const std::size_t channel_bytes_max =
        channel.reliable() ? limits_.channel_queue_bytes_max : limits_.unreliable_queue_bytes_max;
    return channel.queue.size() < limits_.channel_queue_messages_max &&
           channel.queue.bytes() + entry.bytes->size() <= channel_bytes_max &&
           counters_.queued_bytes + entry.bytes->size() <= limits_.queue_bytes_max;
}

void DataChannels::wait(Channel& channel, ChannelQueue::Entry entry) {
    counters_.queued_bytes += entry.bytes->size();
    ++waiting_messages_;
    channel.queue.push(std::move(entry));
}

void DataChannels::clear_queue(Channel& channel) {
    counters_.queued_bytes -= channel.queue.bytes();
    waiting_messages_ -= channel.queue.size();
    channel.queue.clear();
}

bool DataChannels::drain_one(std::uint16_t stream, Channel& channel, StreamSender& sender) {
    while (!channel.queue.empty()) {
        const ChannelQueue::Entry& entry = channel.queue.front();
        if (offer(stream, channel, entry, sender) == Outcome::kFull) {
            return false;
        }
        counters_.queued_bytes -= entry.bytes->size();
        --waiting_messages_;
        channel.queue.pop();
    }
    return true;
}

void DataChannels::drain(StreamSender& sender) {
    if (failure_ || waiting_messages_ == 0) {
        return;
    }
    // Whoever found SCTP full comes last next time.
    std::vector<std::uint16_t> order;
    for (const auto& [stream, channel] : channels_) {
        if (!channel.queue.empty()) {
            order.push_back(stream);
        }
    }
    std::ranges::rotate(order, std::ranges::lower_bound(order, drain_from_));
    for (const std::uint16_t stream : order) {
        const auto found = channels_.find(stream);
        if (!drain_one(stream, found->second, sender)) {
            drain_from_ = static_cast<std::uint16_t>(stream + 1);
            return;
        }
        if (found->second.state == State::kEnding) {
            reset(found, sender);
        }
    }
}

void DataChannels::close(std::uint16_t channel, StreamSender& sender) {
    const auto found = channels_.find(channel);
    if (found == channels_.end() || failure_ || found->second.state == State::kClosing) {
        return;
    }
    if (found->second.queue.empty()) {
        reset(found, sender);
    } else {
        found->second.state = State::kEnding;
    }
}

void DataChannels::reset(Channels::iterator channel, StreamSender& sender) {
    clear_queue(channel->second);
    channel->second.state = State::kClosing;
    if (!sender.reset(channel->first)) {
        channel->second.incoming_reset = true;
        channel->second.outgoing_reset = true;
    }
    erase_if_done(channel);
}

void DataChannels::refuse(std::uint16_t stream, StreamSender& sender) {
    const auto found = channels_.find(stream);
    if (found == channels_.end()) {
        static_cast<void>(sender.reset(stream));
    } else if (found->second.state != State::kClosing) {
        reset(found, sender);
    }
}

void DataChannels::erase_if_done(Channels::iterator channel) {
    if (channel->second.incoming_reset && channel->second.outgoing_reset) {
        events_.emplace_back(ChannelClosed{.channel = channel->first});
        channels_.erase(channel);
        --counters_.channels;
    }
}

void DataChannels::announce_open(std::uint16_t stream, const Channel& channel) {
    events_.emplace_back(ChannelOpened{.channel = stream,
                                       .label = channel.label,
                                       .ordered = channel.ordered,
                                       .reliable = channel.reliable()});
}

void DataChannels::fail(FailureReason reason) {
    if (!failure_) {
        failure_ = reason;
    }
}

DataChannels::Channels::iterator DataChannels::add(std::uint16_t stream, Channel channel) {
    ++counters_.channels;
    return channels_.emplace(stream, std::move(channel)).first;
}

bool DataChannels::is_own(std::uint16_t stream) const {
    return (stream % 2 == 0) == (parity_ == StreamParity::kEven);
}

std::optional<DataEvent> DataChannels::poll_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    DataEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace isthmus::media::data
