// A switchboard without media: it remembers what it was asked, and answers when told to, never from
// within the call, as the interface promises.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "media/worker/switchboard.h"

namespace isthmus::signaling {

class ScriptedSwitchboard final : public media::Switchboard {
  public:
    void join(media::JoinRequest request, Answer<media::JoinResult> answer) override;
    void leave(media::ConnectionId connection,
               media::LeaveReason reason,
               Answer<void> answer) override;
    void restart_ice(media::ConnectionId connection,
                     media::transport::IceCredentials remote,
                     Answer<media::sfu::LocalDescription> answer) override;
    void renegotiate(media::ConnectionId connection,
                     media::sfu::ConnectionDescription description,
                     Answer<media::sfu::LocalDescription> answer) override;
    void send_data(media::ConnectionId connection, media::DataMessage message) override;
    void set_layer_wish(media::ConnectionId connection,
                        std::string mid,
                        media::sfu::LayerWish wish,
                        Answer<void> answer) override;
    void list_conferences(bool details,
                          Answer<std::vector<media::sfu::ConferenceInfo>> answer) override;
    void find_conference(std::string name, Answer<media::sfu::ConferenceInfo> answer) override;
    void remove_participant(std::string conference,
                            std::string identity,
                            Answer<void> answer) override;
    void end_conference(std::string name, Answer<void> answer) override;

    void admit_conferences(bool admit) override { admitting = admit; }

    [[nodiscard]] bool admits(const std::string& conference) const override {
        return admitting ||
               std::ranges::find(conferences, conference, &media::sfu::ConferenceInfo::name) !=
                   conferences.end();
    }

    [[nodiscard]] std::size_t conference_count() const override { return conferences.size(); }

    void collect_stats(Answer<std::vector<media::sfu::WorkerStats>> answer) override;

    void on_event(std::function<void(const media::ConferenceEvent&)> listener) override {
        event_listener_ = std::move(listener);
    }

    void on_connection_gone(std::function<void(const media::ConnectionGone&)> listener) override {
        listener_ = std::move(listener);
    }

    // Answers everything that was asked, with `failure` where one is given.
    void answer_all(const std::optional<Error>& failure = std::nullopt);

    // The connection ends without being asked to.
    void lose(media::ConnectionId connection, media::LeaveReason reason);

    // Something happens in a conference.
    void emit(const media::ConferenceEvent& event) const;

    [[nodiscard]] std::size_t live() const { return live_.size(); }

    // What it says there is.
    std::vector<media::sfu::ConferenceInfo> conferences;
    std::vector<media::sfu::WorkerStats> workers;
    bool admitting = true;

    // What it was asked.
    std::vector<media::JoinRequest> joins;
    std::vector<std::pair<media::ConnectionId, media::LeaveReason>> leaves;

    struct Wish {
        media::ConnectionId connection;
        std::string mid;
        media::sfu::LayerWish wish;
    };

    std::vector<Wish> wishes;
    std::vector<std::pair<media::ConnectionId, media::sfu::ConnectionDescription>> renegotiations;
    std::vector<std::pair<media::ConnectionId, media::DataMessage>> data;
    std::vector<std::pair<media::ConnectionId, media::transport::IceCredentials>> restarts;
    std::vector<std::string> removals;  // "demo alice", or "demo" for the whole conference

  private:
    using Job = std::move_only_function<void(const std::optional<Error>&)>;

    // Queues an answer: what `make` returns by then, unless a failure is asked for.
    template <typename T, typename Make>
    void later(Answer<T> answer, Make make);

    // What the node knows of one connection.
    struct Negotiated {
        std::string remote_ufrag;
        media::transport::IceCredentials local_ice;
        std::map<std::string, media::sfu::SenderDescription> senders;  // by mid; they stay
    };

    // One candidate; a sender for each section that is sent. Credentials are "node1", "node2", ...:
    // new ones where the client's are.
    [[nodiscard]] media::sfu::LocalDescription local_of(
        media::ConnectionId connection, const media::sfu::ConnectionDescription& description);

    std::deque<Job> queue_;
    std::set<media::ConnectionId> live_;
    std::map<media::ConnectionId, Negotiated> negotiated_;
    std::function<void(const media::ConferenceEvent&)> event_listener_;
    std::function<void(const media::ConnectionGone&)> listener_;
    std::uint64_t connections_made_ = 0;
    std::uint64_t credentials_made_ = 0;
    std::uint32_t ssrcs_made_ = 0;
};

}  // namespace isthmus::signaling
