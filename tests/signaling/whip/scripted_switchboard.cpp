#include "tests/signaling/whip/scripted_switchboard.h"

namespace isthmus::signaling::whip {

using media::ConnectionId;
using media::JoinRequest;
using media::JoinResult;
using media::sfu::LocalDescription;

void ScriptedSwitchboard::join(JoinRequest request, Answer<JoinResult> answer) {
    joins.push_back(request);
    queue_.emplace_back([this, request = std::move(request), answer = std::move(answer)](
                            const std::optional<Error>& failure) mutable {
        if (failure) {
            answer(std::unexpected(*failure));
            return;
        }
        const ConnectionId connection{.value = ++connections_made_};
        live_.insert(connection);
        answer(JoinResult{.connection = connection,
                          .participant_id = "PA_1",
                          .conference_id = "RM_1",
                          .local = local_of(request.description)});
    });
}

void ScriptedSwitchboard::leave(ConnectionId connection,
                                media::LeaveReason reason,
                                Answer<void> answer) {
    leaves.emplace_back(connection, reason);
    queue_.emplace_back([this, connection, answer = std::move(answer)](
                            const std::optional<Error>& failure) mutable {
        if (failure) {
            answer(std::unexpected(*failure));
        } else if (live_.erase(connection) == 0) {
            answer(make_error(ErrorCode::kNotFound, "the connection is gone"));
        } else {
            answer({});
        }
    });
}

void ScriptedSwitchboard::restart_ice(ConnectionId connection,
                                      media::transport::IceCredentials remote,
                                      Answer<LocalDescription> answer) {
    restarts.emplace_back(connection, std::move(remote));
    queue_.emplace_back(
        [this, answer = std::move(answer)](const std::optional<Error>& failure) mutable {
            if (failure) {
                answer(std::unexpected(*failure));
            } else {
                answer(local_of({}));
            }
        });
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
    const media::sfu::ConnectionDescription& description) {
    LocalDescription local;
    const std::string number = std::to_string(++credentials_made_);
    local.ice = {.ufrag = "node" + number, .pwd = "nodepasswordnodepassword" + number};
    local.candidates = {
        {.protocol = media::transport::Protocol::kUdp,
         .address = {.ip = media::transport::IpAddress::v4({192, 0, 2, 1}), .port = 5004},
         .priority = 2130706431,
         .foundation = "1"}};
    for (const auto& section : description.sections) {
        if (section.direction == media::sfu::Direction::kSend && !section.formats.empty()) {
            local.senders.push_back({.mid = section.mid,
                                     .ssrc = ++ssrcs_made_,
                                     .rtx_ssrc = std::nullopt,
                                     .cname = "node",
                                     .stream_id = "s",
                                     .track_id = "t"});
        }
    }
    return local;
}

}  // namespace isthmus::signaling::whip
