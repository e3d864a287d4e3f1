// A switchboard without media: it remembers what it was asked, and answers when told to, never from
// within the call, as the interface promises.
#pragma once

#include <cstddef>
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
    void join(media::JoinRequest request, Answer<media::JoinResult> answer) override;
    void leave(media::ConnectionId connection,
               media::LeaveReason reason,
               Answer<void> answer) override;
    void restart_ice(media::ConnectionId connection,
                     media::transport::IceCredentials remote,
                     Answer<media::sfu::LocalDescription> answer) override;

    void list_conferences(bool, Answer<std::vector<media::sfu::ConferenceInfo>>) override {}

    void find_conference(std::string, Answer<media::sfu::ConferenceInfo>) override {}

    void remove_participant(std::string, std::string, Answer<void>) override {}

    void end_conference(std::string, Answer<void>) override {}

    void collect_stats(Answer<std::vector<media::sfu::WorkerStats>>) override {}

    void on_connection_gone(std::function<void(const media::ConnectionGone&)> listener) override {
        listener_ = std::move(listener);
    }

    // Answers everything that was asked, with `failure` where one is given.
    void answer_all(const std::optional<Error>& failure = std::nullopt);

    // The connection ends without being asked to.
    void lose(media::ConnectionId connection, media::LeaveReason reason);

    [[nodiscard]] std::size_t live() const { return live_.size(); }

    std::vector<media::JoinRequest> joins;
    std::vector<std::pair<media::ConnectionId, media::LeaveReason>> leaves;
    std::vector<std::pair<media::ConnectionId, media::transport::IceCredentials>> restarts;

  private:
    using Job = std::move_only_function<void(const std::optional<Error>&)>;

    // Credentials "node1", "node2", ...; one candidate; a sender for each section that is sent.
    [[nodiscard]] media::sfu::LocalDescription local_of(
        const media::sfu::ConnectionDescription& description);

    std::deque<Job> queue_;
    std::set<media::ConnectionId> live_;
    std::function<void(const media::ConnectionGone&)> listener_;
    std::uint64_t connections_made_ = 0;
    std::uint64_t credentials_made_ = 0;
    std::uint32_t ssrcs_made_ = 0;
};

}  // namespace isthmus::signaling::whip
