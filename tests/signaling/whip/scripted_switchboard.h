// A switchboard without media: it remembers what it was asked, and answers when told to, never from
// within the call, as the interface promises.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "media/worker/switchboard.h"

namespace isthmus::signaling::whip {

class ScriptedSwitchboard final : public media::Switchboard {
  public:
    void join(media::JoinRequest request, Answer<media::JoinResult> answer) override {
        joins.push_back(request);
        queue_.emplace_back([this, request = std::move(request), answer = std::move(answer)](
                                const std::optional<Error>& failure) mutable {
            if (failure) {
                answer(std::unexpected(*failure));
                return;
            }
            const media::ConnectionId connection{.value = ++connections_made_};
            live_.insert(connection);
            answer(media::JoinResult{.connection = connection,
                                     .participant_id = "PA_1",
                                     .conference_id = "RM_1",
                                     .local = local_of(request.description)});
        });
    }

    void leave(media::ConnectionId connection,
               media::LeaveReason reason,
               Answer<void> answer) override {
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

    void restart_ice(media::ConnectionId connection,
                     media::transport::IceCredentials remote,
                     Answer<media::sfu::LocalDescription> answer) override {
        restarts.emplace_back(connection, remote);
        queue_.emplace_back(
            [this, answer = std::move(answer)](const std::optional<Error>& failure) mutable {
                if (failure) {
                    answer(std::unexpected(*failure));
                } else {
                    answer(local_of({}));
                }
            });
    }

    void list_conferences(bool, Answer<std::vector<media::sfu::ConferenceInfo>>) override {}

    void find_conference(std::string, Answer<media::sfu::ConferenceInfo>) override {}

    void remove_participant(std::string, std::string, Answer<void>) override {}

    void end_conference(std::string, Answer<void>) override {}

    void collect_stats(Answer<std::vector<media::sfu::WorkerStats>>) override {}

    void on_connection_gone(std::function<void(const media::ConnectionGone&)> listener) override {
        listener_ = std::move(listener);
    }

    // Answers everything that was asked, with `failure` where one is given.
    void answer_all(const std::optional<Error>& failure = std::nullopt) {
        while (!queue_.empty()) {
            auto next = std::move(queue_.front());
            queue_.pop_front();
            next(failure);
        }
    }

    void lose(media::ConnectionId connection, media::LeaveReason reason) {
        live_.erase(connection);
        listener_({.connection = connection,
                   .conference = "demo",
                   .identity = "alice",
                   .reason = reason});
    }

    [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

    [[nodiscard]] std::size_t live() const { return live_.size(); }

    std::vector<media::JoinRequest> joins;
    std::vector<std::pair<media::ConnectionId, media::LeaveReason>> leaves;
    std::vector<std::pair<media::ConnectionId, media::transport::IceCredentials>> restarts;

  private:
    using Job = std::move_only_function<void(const std::optional<Error>&)>;

    [[nodiscard]] media::sfu::LocalDescription local_of(
        const media::sfu::ConnectionDescription& description) {
        media::sfu::LocalDescription local;
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

    std::deque<Job> queue_;
    std::set<media::ConnectionId> live_;
    std::function<void(const media::ConnectionGone&)> listener_;
    std::uint64_t connections_made_ = 0;
    std::uint64_t credentials_made_ = 0;
    std::uint32_t ssrcs_made_ = 0;
};

}  // namespace isthmus::signaling::whip
