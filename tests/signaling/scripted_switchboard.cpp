#include "tests/signaling/scripted_switchboard.h"

#include <algorithm>

namespace isthmus::signaling {

using media::ConnectionId;
using media::JoinRequest;
using media::JoinResult;
using media::sfu::ConferenceInfo;
using media::sfu::LocalDescription;
using media::sfu::WorkerStats;

template <typename T, typename Make>
void ScriptedSwitchboard::later(Answer<T> answer, Make make) {
    queue_.emplace_back([answer = std::move(answer),
                         make = std::move(make)](const std::optional<Error>& failure) mutable {
        answer(failure ? Result<T>(std::unexpected(*failure)) : make());
    });
}

void ScriptedSwitchboard::join(JoinRequest request, Answer<JoinResult> answer) {
    joins.push_back(request);
    later(std::move(answer), [this, request = std::move(request)]() -> Result<JoinResult> {
        const ConnectionId connection{.value = ++connections_made_};
        live_.insert(connection);
        return JoinResult{.connection = connection,
                          .participant_id = request.participant_id.empty()
                                                ? "PA_" + std::to_string(connections_made_)
                                                : request.participant_id,
                          .conference_id = "RM_1",
                          .local = local_of(connection, request.description)};
    });
}

void ScriptedSwitchboard::leave(ConnectionId connection,
                                media::LeaveReason reason,
                                Answer<void> answer) {
    leaves.emplace_back(connection, reason);
    later(std::move(answer), [this, connection]() -> Result<void> {
        if (live_.erase(connection) == 0) {
            return make_error(ErrorCode::kNotFound, "the connection is gone");
        }
        return {};
    });
}

void ScriptedSwitchboard::restart_ice(ConnectionId connection,
                                      media::transport::IceCredentials remote,
                                      Answer<LocalDescription> answer) {
    restarts.emplace_back(connection, remote);
    later(std::move(answer),
          [this, connection, remote = std::move(remote)]() mutable -> Result<LocalDescription> {
              return local_of(connection, {.remote_ice = std::move(remote)});
          });
}

void ScriptedSwitchboard::renegotiate(ConnectionId connection,
                                      media::sfu::ConnectionDescription description,
                                      Answer<LocalDescription> answer) {
    renegotiations.emplace_back(connection, description);
    later(std::move(answer),
          [this, connection, description = std::move(description)]() -> Result<LocalDescription> {
              if (!live_.contains(connection)) {
                  return make_error(ErrorCode::kNotFound, "the connection is gone");
              }
              return local_of(connection, description);
          });
}

void ScriptedSwitchboard::send_data(ConnectionId connection, media::DataMessage message) {
    data.emplace_back(connection, std::move(message));
}

void ScriptedSwitchboard::emit(const media::ConferenceEvent& event) const {
    event_listener_(event);
}

void ScriptedSwitchboard::set_layer_wish(ConnectionId connection,
                                         std::string mid,
                                         media::sfu::LayerWish wish,
                                         Answer<void> answer) {
    wishes.push_back({.connection = connection, .mid = std::move(mid), .wish = wish});
    later(std::move(answer), []() -> Result<void> { return {}; });
}

void ScriptedSwitchboard::list_conferences(bool /*details*/,
                                           Answer<std::vector<ConferenceInfo>> answer) {
    later(std::move(answer),
          [this]() -> Result<std::vector<ConferenceInfo>> { return conferences; });
}

void ScriptedSwitchboard::find_conference(std::string name, Answer<ConferenceInfo> answer) {
    later(std::move(answer), [this, name = std::move(name)]() -> Result<ConferenceInfo> {
        const auto found = std::ranges::find(conferences, name, &ConferenceInfo::name);
        if (found == conferences.end()) {
            return make_error(ErrorCode::kNotFound, "There is no conference of this name.");
        }
        return *found;
    });
}

void ScriptedSwitchboard::remove_participant(std::string conference,
                                             std::string identity,
                                             Answer<void> answer) {
    removals.push_back(std::move(conference) + " " + std::move(identity));
    later(std::move(answer), [] { return Result<void>(); });
}

void ScriptedSwitchboard::end_conference(std::string name, Answer<void> answer) {
    removals.push_back(std::move(name));
    later(std::move(answer), [] { return Result<void>(); });
}

void ScriptedSwitchboard::collect_stats(Answer<std::vector<WorkerStats>> answer) {
    later(std::move(answer), [this]() -> Result<std::vector<WorkerStats>> { return workers; });
}

void ScriptedSwitchboard::answer_all(const std::optional<Error>& failure) {
    while (!queue_.empty()) {
        Job next = std::move(queue_.front());
        queue_.pop_front();
        next(failure);
    }
}

void ScriptedSwitchboard::lose(ConnectionId connection, media::LeaveReason reason) {
    live_.erase(connection);
    listener_(
        {.connection = connection, .conference = "demo", .identity = "alice", .reason = reason});
}

LocalDescription ScriptedSwitchboard::local_of(
    ConnectionId connection, const media::sfu::ConnectionDescription& description) {
    Negotiated& negotiated = negotiated_[connection];
    if (negotiated.local_ice.ufrag.empty() ||
        (!description.remote_ice.ufrag.empty() && !negotiated.remote_ufrag.empty() &&
         negotiated.remote_ufrag != description.remote_ice.ufrag)) {
        const std::string number = std::to_string(++credentials_made_);
        negotiated.local_ice = {.ufrag = "node" + number,
                                .pwd = "nodepasswordnodepassword" + number};
    }
    if (!description.remote_ice.ufrag.empty()) {
        negotiated.remote_ufrag = description.remote_ice.ufrag;
    }
    LocalDescription local;
    local.ice = negotiated.local_ice;
    const media::transport::SocketAddress address{
        .ip = media::transport::IpAddress::v4({192, 0, 2, 1}), .port = 5004};
    local.candidates = {{.protocol = media::transport::Protocol::kUdp,
                         .address = address,
                         .priority = 2130706431,
                         .foundation = "1"},
                        {.protocol = media::transport::Protocol::kTcp,
                         .address = address,
                         .priority = 1694498815,
                         .foundation = "2"}};
    for (const auto& section : description.sections) {
        if (section.direction != media::sfu::Direction::kSend || section.formats.empty()) {
            continue;
        }
        auto [sender, is_new] = negotiated.senders.try_emplace(section.mid);
        if (is_new) {
            sender->second = {.mid = section.mid,
                              .ssrc = ++ssrcs_made_,
                              .rtx_ssrc = std::nullopt,
                              .cname = "node",
                              .stream_id = "s",
                              .track_id = "t"};
        }
        local.senders.push_back(sender->second);
    }
    return local;
}

}  // namespace isthmus::signaling
