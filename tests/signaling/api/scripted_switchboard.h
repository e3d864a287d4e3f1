// A Switchboard that answers what the test says, later, when the test says so.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "media/worker/switchboard.h"

namespace isthmus::signaling::api {

class ScriptedSwitchboard final : public media::Switchboard {
  public:
    std::vector<media::sfu::ConferenceInfo> conferences;
    std::vector<media::sfu::WorkerStats> workers;
    Result<void> outcome;             // of what changes something
    std::vector<std::string> called;  // "remove demo alice"

    void answer_all() {
        for (auto& answer : std::exchange(pending_, {})) {
            answer();
        }
    }

    [[nodiscard]] std::size_t pending() const { return pending_.size(); }

    void join(media::JoinRequest /*request*/, Answer<media::JoinResult> answer) override {
        later(std::move(answer),
              Result<media::JoinResult>(make_error(ErrorCode::kUnavailable, "not scripted")));
    }

    void leave(media::ConnectionId /*connection*/,
               media::LeaveReason /*reason*/,
               Answer<void> answer) override {
        later(std::move(answer), outcome);
    }

    void restart_ice(media::ConnectionId /*connection*/,
                     media::transport::IceCredentials /*remote*/,
                     Answer<media::sfu::LocalDescription> answer) override {
        later(std::move(answer),
              Result<media::sfu::LocalDescription>(
                  make_error(ErrorCode::kUnavailable, "not scripted")));
    }

    void list_conferences(bool /*details*/,
                          Answer<std::vector<media::sfu::ConferenceInfo>> answer) override {
        later(std::move(answer), Result<std::vector<media::sfu::ConferenceInfo>>(conferences));
    }

    void find_conference(std::string name, Answer<media::sfu::ConferenceInfo> answer) override {
        Result<media::sfu::ConferenceInfo> found =
            make_error(ErrorCode::kNotFound, "There is no conference of this name.");
        for (const auto& conference : conferences) {
            if (conference.name == name) {
                found = conference;
            }
        }
        later(std::move(answer), std::move(found));
    }

    void remove_participant(std::string conference,
                            std::string identity,
                            Answer<void> answer) override {
        called.push_back("remove " + conference + " " + identity);
        later(std::move(answer), outcome);
    }

    void end_conference(std::string name, Answer<void> answer) override {
        called.push_back("end " + name);
        later(std::move(answer), outcome);
    }

    void collect_stats(Answer<std::vector<media::sfu::WorkerStats>> answer) override {
        later(std::move(answer), Result<std::vector<media::sfu::WorkerStats>>(workers));
    }

    void on_connection_gone(
        std::function<void(const media::ConnectionGone&)> /*listener*/) override {}

  private:
    template <typename T>
    void later(Answer<T> answer, Result<T> result) {
        pending_.emplace_back([answer = std::move(answer), result = std::move(result)]() mutable {
            answer(std::move(result));
        });
    }

    std::vector<std::move_only_function<void()>> pending_;
};

}  // namespace isthmus::signaling::api
