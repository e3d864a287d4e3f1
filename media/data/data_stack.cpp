#include "media/data/data_stack.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "media/data/rate_gate.h"
#include "media/data/sctp_socket.h"

namespace isthmus::media::data {

struct DataStack::Association {
    Association(AssociationId association_id,
                std::unique_ptr<SctpSocket> sctp_socket,
                const DataLimits& limits,
                DataCounters& counters,
                StreamParity parity,
                const DataDescription& description,
                Instant handshake_until)
        : id(association_id),
          socket(std::move(sctp_socket)),
          channels(limits, counters, parity, description),
          packet_rate(limits.packets_per_second_max, limits.packets_burst),
          deadline(handshake_until) {}

    AssociationId id;
    std::unique_ptr<SctpSocket> socket;
    DataChannels channels;
    RateGate packet_rate;
    Instant deadline;
    bool connected = false;
    std::optional<FailureReason> failure;
};

DataStack::DataStack(const DataLimits& limits) : limits_(limits) {
    CHECK(limits.message_bytes_max <= limits.sctp_send_buffer_bytes);
}

DataStack::~DataStack() = default;

Result<void> DataStack::open(Instant now,
                             AssociationId id,
                             StreamParity parity,
                             const DataDescription& description) {
    if (numbers_.contains(id.value)) {
        return make_error(ErrorCode::kConflict, "The connection has data channels already.");
    }
    if (numbers_.size() >= limits_.associations_max) {
        return make_error(ErrorCode::kLimitExceeded,
                          "The node has as many connections with data channels as it may have.");
    }
    if (numbers_.empty()) {
        ticked_at_ = now;
    }
    auto socket = SctpSocket::connect(library_, limits_, description.remote_port);
    if (!socket) {
        return make_error(ErrorCode::kUnavailable,
                          "SCTP has no memory for another connection's data channels.");
    }
    const std::uint32_t number = (*socket)->number();
    if (number >= associations_.size()) {
        associations_.resize(number + 1);
    }
    associations_[number] = std::make_unique<Association>(id,
                                                          *std::move(socket),
                                                          limits_,
                                                          counters_,
                                                          parity,
                                                          description,
                                                          now + limits_.handshake_max);
    numbers_.emplace(id.value, number);
    connecting_.push_back(id);
    ++counters_.associations;
    settle(now, *associations_[number]);
    return {};
}

void DataStack::close(AssociationId id) {
    if (Association* association = find(id)) {
        association->socket->abort();
        take_packets_of(*association);
        erase(*association);
        std::erase_if(events_, [id](const AssociationEvent& e) { return e.association == id; });
    }
}

void DataStack::handle_packet(Instant now, AssociationId id, std::span<const std::byte> packet) {
    Association* association = find(id);
    if (association == nullptr || packet.size() > kPacketBytesMax * 2 ||
        !association->packet_rate.take(now)) {
        ++counters_.packets_refused;
        return;
    }
    ++counters_.packets_received;
    association->socket->handle_packet(packet);
    settle(now, *association);
}

void DataStack::send(AssociationId id, const DataMessage& message) {
    Association* association = find(id);
    if (association == nullptr || message.bytes == nullptr) {
        ++counters_.messages_unroutable;
        return;
    }
    association->channels.send(message, *association->socket);
    settle(now_, *association);
}

void DataStack::close_channel(AssociationId id, std::uint16_t channel) {
    if (Association* association = find(id)) {
        association->channels.close(channel, *association->socket);
        settle(now_, *association);
    }
}

Instant DataStack::next_timeout() const {
    return numbers_.empty() ? kNever : ticked_at_ + kTick;
}

void DataStack::handle_timeout(Instant now) {
    now_ = std::max(now_, now);
    if (now >= next_timeout()) {
        tick(now);
        fail_late_handshakes(now);
    }
}

void DataStack::tick(Instant now) {
    const auto elapsed = std::chrono::floor<std::chrono::milliseconds>(now - ticked_at_);
    ticked_at_ += elapsed;
    library_.pass_time(static_cast<std::uint32_t>(elapsed.count()));
    for (const std::uint32_t number : library_.take_touched()) {
        if (associations_[number] != nullptr) {
            settle(now, *associations_[number]);
        }
    }
    if (counters_.queued_bytes > 0) {
        // A timer may have given up what was in SCTP's buffer.
        for (const auto& association : associations_) {
            if (association != nullptr && association->channels.waits()) {
                association->channels.drain(*association->socket);
                settle(now, *association);
            }
        }
    }
}

void DataStack::fail_late_handshakes(Instant now) {
    std::erase_if(connecting_, [this](AssociationId id) {
        const Association* association = find(id);
        return association == nullptr || association->connected;
    });
    for (const AssociationId id : std::vector(connecting_)) {
        Association* association = find(id);
        if (association->deadline <= now) {
            fail(*association, FailureReason::kHandshakeTimeout);
        }
    }
}

DataStack::Association* DataStack::find(AssociationId id) {
    const auto found = numbers_.find(id.value);
    return found == numbers_.end() ? nullptr : associations_[found->second].get();
}

void DataStack::settle(Instant now, Association& association) {
    now_ = std::max(now_, now);
    take(now, association);
    association.channels.drain(*association.socket);
    take_events_of(association);
    take_packets_of(association);
    const auto failure = association.failure ? association.failure : association.channels.failure();
    if (failure) {
        fail(association, *failure);
    }
    // What touched sockets gave was taken above.
    static_cast<void>(library_.take_touched());
}

void DataStack::take(Instant now, Association& association) {
    DataChannels& channels = association.channels;
    SctpSocket& socket = *association.socket;
    for (SctpEvent& event : socket.take_events()) {
        if (std::holds_alternative<SctpConnected>(event)) {
            association.connected = true;
            channels.on_connected(socket);
        } else if (auto* message = std::get_if<SctpMessage>(&event)) {
            channels.on_message(
                now, message->stream, message->protocol, std::move(message->bytes), socket);
        } else if (const auto* reset = std::get_if<SctpStreamReset>(&event)) {
            for (const std::uint16_t stream : reset->streams) {
                reset->incoming ? channels.on_incoming_reset(stream, socket)
                                : channels.on_outgoing_reset(stream);
            }
        } else if (!association.failure) {
            association.failure = std::get<SctpEnded>(event).reason;
        }
    }
}

void DataStack::take_events_of(Association& association) {
    while (auto event = association.channels.poll_event()) {
        events_.push_back({.association = association.id, .event = *std::move(event)});
    }
}

void DataStack::take_packets_of(Association& association) {
    for (std::vector<std::byte>& packet : association.socket->take_packets()) {
        ++counters_.packets_sent;
        packets_.push_back({.association = association.id, .bytes = std::move(packet)});
    }
}

void DataStack::fail(Association& association, FailureReason reason) {
    ++counters_.associations_failed;
    association.socket->abort();
    take_packets_of(association);
    events_.push_back(
        {.association = association.id, .event = AssociationFailed{.reason = reason}});
    erase(association);
}

void DataStack::erase(Association& association) {
    --counters_.associations;
    const std::uint32_t number = association.socket->number();
    numbers_.erase(association.id.value);
    associations_[number].reset();
}

std::optional<SctpPacket> DataStack::poll_packet() {
    if (packets_.empty()) {
        return std::nullopt;
    }
    SctpPacket packet = std::move(packets_.front());
    packets_.pop_front();
    return packet;
}

std::optional<AssociationEvent> DataStack::poll_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    AssociationEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace isthmus::media::data
