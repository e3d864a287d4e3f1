// The switchboard of this node: spreads conferences over its media workers.
//
// Signaling thread only. A conference goes to the worker with the most room: LoadLedger counts what
// workers measure and what was admitted to them. Who joins later comes to the same worker, until
// the conference has SwitchboardLimits::connections_per_worker there or the worker is loaded
// (ConferenceHome): then it spans another, and the two workers relay to each other what is wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/error.h"
#include "base/random.h"
#include "media/worker/conference_home.h"
#include "media/worker/data_outbox.h"
#include "media/worker/data_stats.h"
#include "media/worker/io/data_backlog.h"
#include "media/worker/io/worker_thread.h"
#include "media/worker/load_ledger.h"
#include "media/worker/switchboard.h"

namespace isthmus::media {

struct SwitchboardLimits {
    std::uint32_t conferences = 10'000;
    std::uint32_t connections = 20'000;
    // Of one conference on one worker, before it spans another.
    std::uint32_t conference_connections_per_worker = 500;
    std::uint32_t participants_per_conference = 1000;
};

struct LocalSwitchboardConfig {
    std::vector<WorkerThreadConfig> workers;  // at least one
    SwitchboardLimits limits;
};

class LocalSwitchboard final : public Switchboard {
  public:
    using Task = std::move_only_function<void()>;
    // Runs a task on the signaling thread, later. Called by any thread.
    using Executor = std::function<void(Task)>;

    // Opens the workers' sockets and starts their threads. `executor` outlives the switchboard.
    [[nodiscard]] static Result<std::unique_ptr<LocalSwitchboard>> start(
        const LocalSwitchboardConfig& config, Executor executor);
    ~LocalSwitchboard() override;  // stops the workers without a goodbye: see shut_down()
    LocalSwitchboard(const LocalSwitchboard&) = delete;
    LocalSwitchboard& operator=(const LocalSwitchboard&) = delete;

    void join(JoinRequest request, Answer<JoinResult> answer) override;
    void leave(ConnectionId connection, LeaveReason reason, Answer<void> answer) override;
    void set_layer_wish(ConnectionId connection,
                        std::string mid,
                        sfu::LayerWish wish,
                        Answer<void> answer) override;
    void renegotiate(ConnectionId connection,
                     sfu::ConnectionDescription description,
                     Answer<sfu::LocalDescription> answer) override;
    void send_data(ConnectionId connection, DataMessage message) override;
    void restart_ice(ConnectionId connection,
                     transport::IceCredentials remote,
                     Answer<sfu::LocalDescription> answer) override;
    void list_conferences(bool details, Answer<std::vector<sfu::ConferenceInfo>> answer) override;
    void find_conference(std::string name, Answer<sfu::ConferenceInfo> answer) override;
    void remove_participant(std::string conference,
                            std::string identity,
                            Answer<void> answer) override;
    void end_conference(std::string name, Answer<void> answer) override;

    void admit_conferences(bool admit) override { admitting_ = admit; }

    [[nodiscard]] bool admits(const std::string& conference) const override {
        return admitting_ || homes_.contains(conference);
    }

    [[nodiscard]] std::size_t conference_count() const override { return homes_.size(); }

    void collect_stats(Answer<std::vector<sfu::WorkerStats>> answer) override;
    void on_event(std::function<void(const ConferenceEvent&)> listener) override;
    void on_connection_gone(std::function<void(const ConnectionGone&)> listener) override;

    // Ends every session with kShutdown and refuses new ones; answers when all goodbyes are sent.
    void shut_down(Answer<void> answer);

    [[nodiscard]] DataStats data_stats() const;
    // What an operator should know about the sockets; one sentence each.
    [[nodiscard]] std::vector<std::string> warnings() const;
    // The ports in use, one per worker.
    [[nodiscard]] std::vector<std::uint16_t> ports() const;

  private:
    struct Placed {
        std::size_t worker = 0;
        std::string conference;
        std::string identity;
    };

    LocalSwitchboard(const LocalSwitchboardConfig& config, Executor executor);

    // What a worker's thread calls; the rest runs on the signaling thread.
    [[nodiscard]] WorkerListeners make_listeners();
    // Where the connection is, or null: then kNotFound is answered.
    template <typename T>
    const Placed* find_placed(ConnectionId connection, Answer<T>& answer);
    // Runs `job` (WorkerContext& -> Result<T>) on a worker; the result comes to `answer` on the
    // signaling thread.
    template <typename T, typename Function>
    void ask(std::size_t worker, Function job, Answer<T> answer);
    // Runs `job` (WorkerContext& -> T) on all workers; `answer` gets one T per worker, in order.
    template <typename T, typename Function>
    void ask_all(const Function& job, Answer<std::vector<T>> answer);
    template <typename T>
    void answer_later(Answer<T> answer, Result<T> result);
    // The same on those workers.
    template <typename T, typename Function>
    void ask_many(const std::vector<std::size_t>& workers,
                  const Function& job,
                  Answer<std::vector<T>> answer);
    [[nodiscard]] Result<std::size_t> admit(const std::string& conference,
                                            const std::string& identity);
    // What the workers measured last.
    void read_loads();
    // Tells the workers of the home that `added` is one of them, and the other way round.
    void link(const std::string& conference, const ConferenceHome& home, std::size_t added);
    void unlink(const std::string& conference, const ConferenceHome& home, std::size_t removed);
    // Where nobody listens for the answer: the workers' mailboxes are closed, or full.
    void tell(std::size_t worker, WorkerThread::Job job);
    void release(ConnectionId connection);
    void handle_gone(const ConnectionGone& gone);
    void handle_events(const std::vector<ConferenceEvent>& events);
    void handle_event(const ConferenceEvent& event);
    // Hands over what send_data() was given since the last time.
    void flush_data();

    std::shared_ptr<WorkerGroup> group_;
    std::vector<std::unique_ptr<WorkerThread>> workers_;
    LoadLedger loads_;
    SwitchboardLimits limits_;
    Executor executor_;
    boost::unordered_flat_map<std::string, ConferenceHome> homes_;
    boost::unordered_flat_map<std::uint64_t, Placed> connections_;
    std::function<void(const ConferenceEvent&)> event_listener_;
    std::function<void(const ConnectionGone&)> listener_;
    SystemRandom random_;
    std::uint64_t next_connection_ = 1;
    bool shutting_down_ = false;
    bool admitting_ = true;
    DataOutbox outbox_;
    std::shared_ptr<DataBacklog> backlog_ = std::make_shared<DataBacklog>();
    // What comes back from a worker after this object is gone finds the flag gone too.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace isthmus::media
