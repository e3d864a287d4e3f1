#include "signaling/livekit/data_router.h"

#include <algorithm>
#include <utility>

#include <signaling/livekit/proto/data.pb.h>

namespace isthmus::signaling::livekit {
namespace {

namespace pb = ::livekit;

std::shared_ptr<const std::vector<std::byte>> serialise(const pb::DataPacket& packet) {
    auto bytes = std::make_shared<std::vector<std::byte>>(packet.ByteSizeLong());
    packet.SerializeToArray(bytes->data(), static_cast<int>(bytes->size()));
    return bytes;
}

template <typename Field>
std::vector<std::string> list_of(const Field& field) {
    return {field.begin(), field.end()};
}

bool is_allowed(const pb::DataPacket& packet, const DataSender& sender) {
    if (!sender.can_publish_data) {
        return false;
    }
    switch (packet.value_case()) {
        case pb::DataPacket::kTranscription:
            return sender.agent;
        case pb::DataPacket::kMetrics:  // for the node, which has no use for them
        case pb::DataPacket::kSpeaker:  // the node's own, of old
            return false;
        default:
            return true;
    }
}

}  // namespace

bool RoutedData::is_for(std::string_view identity, std::string_view sid) const {
    return (identities.empty() && sids.empty()) ||
           std::ranges::find(identities, identity) != identities.end() ||
           std::ranges::find(sids, sid) != sids.end();
}

std::expected<RoutedData, DataFault> DataRouter::route(std::span<const std::byte> message,
                                                       bool reliable,
                                                       const DataSender& sender) {
    pb::DataPacket packet;
    if (!packet.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
        return std::unexpected(DataFault::kMalformed);
    }
    if (!is_allowed(packet, sender)) {
        return std::unexpected(DataFault::kNotAllowed);
    }
    if (reliable && packet.sequence() > 0) {
        if (packet.sequence() <= last_sequence_) {
            return std::unexpected(DataFault::kRepeated);
        }
        last_sequence_ = packet.sequence();
    }
    RoutedData routed{.bytes = {},
                      .reliable = reliable,
                      .identities = list_of(packet.destination_identities()),
                      .sids = {}};
    const std::string& identity = sender.hidden ? std::string() : sender.identity;
    packet.set_kind(reliable ? pb::DataPacket::RELIABLE : pb::DataPacket::LOSSY);
    packet.set_participant_sid(sender.sid);
    packet.set_participant_identity(identity);
    if (packet.value_case() == pb::DataPacket::kUser) {
        pb::UserPacket& user = *packet.mutable_user();
        user.set_participant_sid(sender.sid);
        user.set_participant_identity(identity);
        if (routed.identities.empty()) {
            routed.identities = list_of(user.destination_identities());
        }
        routed.sids = list_of(user.destination_sids());
    }
    routed.bytes = serialise(packet);
    return routed;
}

RoutedData route_server_data(const ServerData& data) {
    pb::DataPacket packet;
    packet.set_kind(data.reliable ? pb::DataPacket::RELIABLE : pb::DataPacket::LOSSY);
    packet.mutable_destination_identities()->Assign(data.identities.begin(), data.identities.end());
    pb::UserPacket& user = *packet.mutable_user();
    user.set_payload(data.payload);
    user.mutable_destination_identities()->Assign(data.identities.begin(), data.identities.end());
    user.mutable_destination_sids()->Assign(data.sids.begin(), data.sids.end());
    if (data.topic) {
        user.set_topic(*data.topic);
    }
    if (!data.nonce.empty()) {
        user.set_nonce(data.nonce);
    }
    return {.bytes = serialise(packet),
            .reliable = data.reliable,
            .identities = data.identities,
            .sids = data.sids};
}

}  // namespace isthmus::signaling::livekit
