#include "media/worker/data_links.h"

#include <variant>

namespace isthmus::media {
namespace {

data::AssociationId id_of(const sfu::Participant& participant) {
    return {participant.connection()};
}

}  // namespace

void DataLinks::describe(const sfu::Participant& participant,
                         const std::optional<data::DataDescription>& description) {
    if (!description) {
        return;
    }
    const auto [link, is_new] = links_.try_emplace(participant.connection());
    if (is_new || !link->second.opened) {
        link->second.description = *description;
    }
    if (participant.connected()) {
        open(participant, link->second);
    }
}

void DataLinks::on_connected(const sfu::Participant& participant) {
    const auto link = links_.find(participant.connection());
    if (link != links_.end()) {
        open(participant, link->second);
    }
}

void DataLinks::open(const sfu::Participant& participant, Link& link) {
    if (!std::exchange(link.opened, true)) {
        work_.opens.push_back({.id = id_of(participant),
                               .parity = participant.local_role() == transport::DtlsRole::kServer
                                             ? data::StreamParity::kOdd
                                             : data::StreamParity::kEven,
                               .description = link.description});
    }
}

void DataLinks::on_packet(const sfu::Participant& participant, std::vector<std::byte> bytes) {
    const auto link = links_.find(participant.connection());
    if (link != links_.end() && link->second.opened) {
        ++received_;
        work_.packets.push_back({.association = id_of(participant), .bytes = std::move(bytes)});
    }
}

void DataLinks::on_ended(const sfu::Participant& participant) {
    const auto link = links_.find(participant.connection());
    if (link == links_.end()) {
        return;
    }
    if (link->second.opened) {
        work_.closes.push_back(id_of(participant));
    }
    links_.erase(link);
}

bool DataLinks::on_event(data::AssociationEvent event, std::vector<ConferenceEvent>& events) {
    const ConnectionId connection{event.association.value};
    const auto found = links_.find(connection.value);
    if (found == links_.end()) {
        return false;
    }
    Link& link = found->second;
    if (auto* opened = std::get_if<data::ChannelOpened>(&event.event)) {
        link.channels.push_back(opened->channel);
        events.emplace_back(DataChannelOpened{.connection = connection,
                                              .channel = opened->channel,
                                              .label = std::move(opened->label),
                                              .reliable = opened->reliable});
    } else if (auto* message = std::get_if<data::DataMessage>(&event.event)) {
        ++messages_;
        events.emplace_back(DataReceived{.connection = connection, .message = std::move(*message)});
    } else if (const auto* closed = std::get_if<data::ChannelClosed>(&event.event)) {
        std::erase(link.channels, closed->channel);
        events.emplace_back(
            DataChannelClosed{.connection = connection, .channel = closed->channel});
    } else if (const auto* failed = std::get_if<data::AssociationFailed>(&event.event)) {
        ++failed_;
        for (const std::uint16_t channel : std::exchange(link.channels, {})) {
            events.emplace_back(DataChannelClosed{.connection = connection, .channel = channel});
        }
        return failed->reason == data::FailureReason::kReadsTooSlowly;
    }
    return false;
}

void DataLinks::add_to(sfu::WorkerStats& stats) const {
    stats.data_packets_received += received_;
    stats.data_packets_sent += sent_;
    stats.data_messages_received += messages_;
    stats.data_associations_failed += failed_;
    for (const auto& [connection, link] : links_) {
        stats.data_channels += link.channels.size();
    }
}

}  // namespace isthmus::media
