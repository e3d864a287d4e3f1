#include "media/worker/local_switchboard.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/log.h"

namespace isthmus::media {
namespace {

constexpr auto kMissing = "There is no such conference on this node.";

using Conferences = std::vector<sfu::ConferenceInfo>;

// One entry per conference, by name: what several workers say of one becomes one, with its
// participants in order of joining.
void merge_parts(Conferences& conferences) {
    std::ranges::stable_sort(conferences, {}, &sfu::ConferenceInfo::name);
    Conferences merged;
    for (sfu::ConferenceInfo& part : conferences) {
        if (merged.empty() || merged.back().name != part.name) {
            merged.push_back(std::move(part));
            continue;
        }
        sfu::ConferenceInfo& whole = merged.back();
        whole.created_at_unix_ms = std::min(whole.created_at_unix_ms, part.created_at_unix_ms);
        whole.participant_count += part.participant_count;
        std::ranges::move(part.participants, std::back_inserter(whole.participants));
        std::ranges::stable_sort(whole.participants, {}, &sfu::ParticipantInfo::joined_at_unix_ms);
    }
    conferences = std::move(merged);
}

// Drops messages where too many of them wait for the signaling thread. Returns the bytes of those
// that are left.
std::size_t bound(std::vector<ConferenceEvent>& events, DataBacklog& backlog) {
    constexpr std::size_t kMessageOverheadBytes = 128;
    std::size_t admitted = 0;
    std::erase_if(events, [&](const ConferenceEvent& event) {
        const auto* received = std::get_if<DataReceived>(&event);
        if (received == nullptr) {
            return false;
        }
        const std::size_t bytes = received->message.bytes->size() + kMessageOverheadBytes;
        if (!backlog.admit(bytes)) {
            return true;
        }
        admitted += bytes;
        return false;
    });
    return admitted;
}

std::unexpected<Error> busy() {
    return make_error(ErrorCode::kUnavailable,
                      "The media worker has too many requests waiting; try again shortly.");
}

}  // namespace

LocalSwitchboard::LocalSwitchboard(const LocalSwitchboardConfig& config, Executor executor)
    : loads_(config.workers.size()), limits_(config.limits), executor_(std::move(executor)) {}

LocalSwitchboard::~LocalSwitchboard() {
    // The threads use the executor: they end before it does.
    workers_.clear();
}

Result<std::unique_ptr<LocalSwitchboard>> LocalSwitchboard::start(
    const LocalSwitchboardConfig& config, Executor executor) {
    CHECK(!config.workers.empty());
    std::unique_ptr<LocalSwitchboard> self(new LocalSwitchboard(config, std::move(executor)));
    auto group = WorkerGroup::make(config.workers.size());
    if (!group) {
        return std::unexpected(group.error());
    }
    self->group_ = *std::move(group);
    for (const WorkerThreadConfig& worker : config.workers) {
        auto started = WorkerThread::start(worker, self->group_, self->make_listeners());
        if (!started) {
            return std::unexpected(started.error());
        }
        self->workers_.push_back(*std::move(started));
    }
    return self;
}

WorkerListeners LocalSwitchboard::make_listeners() {
    const auto alive = std::weak_ptr(alive_);
    return {.on_events =
                [this, alive, backlog = backlog_](std::vector<ConferenceEvent> events) {
                    const std::size_t bytes = bound(events, *backlog);
                    executor_([this, alive, backlog, bytes, events = std::move(events)] {
                        if (!alive.expired()) {
                            handle_events(events);
                        }
                        backlog->release(bytes);
                    });
                },
            .on_gone =
                [this, alive](ConnectionGone gone) {
                    executor_([this, alive, gone = std::move(gone)] {
                        if (!alive.expired()) {
                            handle_gone(gone);
                        }
                    });
                }};
}

template <typename T>
const LocalSwitchboard::Placed* LocalSwitchboard::find_placed(ConnectionId connection,
                                                              Answer<T>& answer) {
    const auto placed = connections_.find(connection.value);
    if (placed != connections_.end()) {
        return &placed->second;
    }
    answer_later<T>(std::move(answer), make_error(ErrorCode::kNotFound, "This session has ended."));
    return nullptr;
}

template <typename T>
void LocalSwitchboard::answer_later(Answer<T> answer, Result<T> result) {
    executor_([answer = std::move(answer), result = std::move(result)]() mutable {
        answer(std::move(result));
    });
}

template <typename T, typename Function>
void LocalSwitchboard::ask(std::size_t worker, Function job, Answer<T> answer) {
    // The answer travels with the job; where the mailbox refuses the job, it comes back from here.
    auto held = std::make_shared<Answer<T>>(std::move(answer));
    const bool posted =
        workers_[worker]->post([this, held, job = std::move(job), alive = std::weak_ptr(alive_)](
                                   WorkerContext& context) mutable {
            Result<T> result = job(context);
            executor_([held, alive, result = std::move(result)]() mutable {
                // Ends here: what it holds is this thread's, and the worker may let go of its job
                // after us.
                Answer<T> last = std::move(*held);
                if (!alive.expired()) {
                    last(std::move(result));
                }
            });
        });
    if (!posted) {
        answer_later<T>(std::move(*held), busy());
    }
}

template <typename T, typename Function>
void LocalSwitchboard::ask_many(const std::vector<std::size_t>& workers,
                                const Function& job,
                                Answer<std::vector<T>> answer) {
    struct Gathering {
        std::vector<T> parts;
        std::size_t missing = 0;
        bool failed = false;
        Answer<std::vector<T>> answer;
    };

    auto gathering = std::make_shared<Gathering>();
    gathering->parts.resize(workers.size());
    gathering->missing = workers.size();
    gathering->answer = std::move(answer);
    for (std::size_t part = 0; part < workers.size(); ++part) {
        ask<T>(
            workers[part],
            [job](WorkerContext& context) -> Result<T> { return job(context); },
            [gathering, part](Result<T> result) {
                if (result) {
                    gathering->parts[part] = *std::move(result);
                } else {
                    gathering->failed = true;
                }
                if (--gathering->missing == 0) {
                    gathering->answer(gathering->failed
                                          ? Result<std::vector<T>>(busy())
                                          : Result<std::vector<T>>(std::move(gathering->parts)));
                }
            });
    }
}

template <typename T, typename Function>
void LocalSwitchboard::ask_all(const Function& job, Answer<std::vector<T>> answer) {
    std::vector<std::size_t> all(workers_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    ask_many<T>(all, job, std::move(answer));
}

void LocalSwitchboard::tell(std::size_t worker, WorkerThread::Job job) {
    if (!workers_[worker]->post(std::move(job))) {
        log::warning("worker", "worker {} takes no more requests", worker);
    }
}

Result<std::size_t> LocalSwitchboard::admit(const std::string& conference,
                                            const std::string& identity) {
    if (shutting_down_) {
        return make_error(ErrorCode::kUnavailable, "This node is shutting down.");
    }
    if (!admits(conference)) {
        return make_error(ErrorCode::kUnavailable,
                          "This node is in maintenance and begins no conference: go elsewhere.");
    }
    if (connections_.size() >= limits_.connections) {
        return make_error(ErrorCode::kUnavailable,
                          "This node has as many connections as it is configured for.");
    }
    auto home = homes_.find(conference);
    if (home == homes_.end()) {
        if (homes_.size() >= limits_.conferences) {
            return make_error(ErrorCode::kUnavailable,
                              "This node has as many conferences as it is configured for.");
        }
        home = homes_.emplace(conference, ConferenceHome("RM_" + random_.next_token(12))).first;
    } else if (home->second.participants() >= limits_.participants_per_conference &&
               !home->second.worker_of(identity)) {
        return make_error(ErrorCode::kLimitExceeded,
                          "The conference has as many participants as it may have.");
    }
    read_loads();
    return home->second.choose(loads_, identity, limits_.conference_connections_per_worker);
}

void LocalSwitchboard::read_loads() {
    for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
        loads_.set_reading(worker, workers_[worker]->load());
    }
}

void LocalSwitchboard::link(const std::string& conference,
                            const ConferenceHome& home,
                            std::size_t added) {
    const auto tell_one = [&](std::size_t worker, std::size_t peer) {
        tell(worker, [conference, id = home.id(), peer](WorkerContext& context) {
            context.core.link_conference(
                context.now, conference, id, static_cast<std::uint32_t>(peer));
        });
    };
    for (const std::size_t worker : home.workers()) {
        if (worker != added) {
            tell_one(worker, added);
            tell_one(added, worker);
        }
    }
}

void LocalSwitchboard::unlink(const std::string& conference,
                              const ConferenceHome& home,
                              std::size_t removed) {
    const auto tell_one = [&](std::size_t worker, std::size_t peer) {
        tell(worker, [conference, peer](WorkerContext& context) {
            context.core.unlink_conference(
                context.now, conference, static_cast<std::uint32_t>(peer));
        });
    };
    for (const std::size_t worker : home.workers()) {
        tell_one(worker, removed);
        tell_one(removed, worker);
    }
}

void LocalSwitchboard::release(ConnectionId connection) {
    const auto placed = connections_.find(connection.value);
    if (placed == connections_.end()) {
        return;
    }
    const Placed& place = placed->second;
    loads_.release(place.worker);
    const auto home = homes_.find(place.conference);
    if (home->second.remove(place.worker, connection, place.identity)) {
        unlink(place.conference, home->second, place.worker);
    }
    if (home->second.workers().empty()) {
        homes_.erase(home);
    }
    connections_.erase(placed);
}

void LocalSwitchboard::join(JoinRequest request, Answer<JoinResult> answer) {
    const Result<std::size_t> worker = admit(request.conference, request.identity);
    if (!worker) {
        answer_later<JoinResult>(std::move(answer), std::unexpected(worker.error()));
        return;
    }
    const ConnectionId id{next_connection_++};
    connections_.emplace(
        id.value,
        Placed{.worker = *worker, .conference = request.conference, .identity = request.identity});
    loads_.admit(*worker);
    ConferenceHome& home = homes_.at(request.conference);
    request.conference_id = home.id();
    if (home.add(*worker, id, request.identity, request.beside)) {
        link(request.conference, home, *worker);
    }
    ask<JoinResult>(
        *worker,
        [id, request = std::move(request)](WorkerContext& context) {
            return context.core.join(context.now, id, request, context.sink);
        },
        [this, id, answer = std::move(answer)](Result<JoinResult> result) mutable {
            if (!result) {
                release(id);
            }
            answer(std::move(result));
        });
}

void LocalSwitchboard::leave(ConnectionId connection, LeaveReason reason, Answer<void> answer) {
    const Placed* const placed = find_placed(connection, answer);
    if (placed == nullptr) {
        return;
    }
    ask<void>(
        placed->worker,
        [connection, reason](WorkerContext& context) {
            return context.core.leave(context.now, connection, reason, context.sink);
        },
        std::move(answer));
}

void LocalSwitchboard::restart_ice(ConnectionId connection,
                                   transport::IceCredentials remote,
                                   Answer<sfu::LocalDescription> answer) {
    const Placed* const placed = find_placed(connection, answer);
    if (placed == nullptr) {
        return;
    }
    ask<sfu::LocalDescription>(
        placed->worker,
        [connection, remote = std::move(remote)](WorkerContext& context) {
            return context.core.restart_ice(context.now, connection, remote);
        },
        std::move(answer));
}

void LocalSwitchboard::set_layer_wish(ConnectionId connection,
                                      std::string mid,
                                      sfu::LayerWish wish,
                                      Answer<void> answer) {
    const Placed* const placed = find_placed(connection, answer);
    if (placed == nullptr) {
        return;
    }
    ask<void>(
        placed->worker,
        [connection, mid = std::move(mid), wish](WorkerContext& context) {
            return context.core.set_layer_wish(context.now, connection, mid, wish, context.sink);
        },
        std::move(answer));
}

void LocalSwitchboard::renegotiate(ConnectionId connection,
                                   sfu::ConnectionDescription description,
                                   Answer<sfu::LocalDescription> answer) {
    const Placed* const placed = find_placed(connection, answer);
    if (placed == nullptr) {
        return;
    }
    ask<sfu::LocalDescription>(
        placed->worker,
        [connection, description = std::move(description)](WorkerContext& context) {
            return context.core.renegotiate(context.now, connection, description, context.sink);
        },
        std::move(answer));
}

void LocalSwitchboard::send_data(ConnectionId connection, DataMessage message) {
    if (!connections_.contains(connection.value)) {
        return;
    }
    if (outbox_.add(connection, std::move(message))) {
        executor_([this, alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) {
                flush_data();
            }
        });
    }
}

void LocalSwitchboard::flush_data() {
    const auto failed =
        outbox_.flush([this](const auto& messages) { return group_->data->send(messages); });
    for (const ConnectionId connection : failed) {
        log::warning("worker", "a reliable message is lost: the data thread is too busy");
        leave(connection, LeaveReason::kTransportFailed, [](const Result<void>&) {});
    }
}

void LocalSwitchboard::list_conferences(bool details,
                                        Answer<std::vector<sfu::ConferenceInfo>> answer) {
    ask_all<Conferences>(
        [details](WorkerContext& context) {
            return context.core.describe_all(context.now, details);
        },
        [answer = std::move(answer)](Result<std::vector<Conferences>> parts) mutable {
            if (!parts) {
                answer(std::unexpected(parts.error()));
                return;
            }
            Conferences all;
            for (Conferences& part : *parts) {
                std::ranges::move(part, std::back_inserter(all));
            }
            merge_parts(all);
            answer(std::move(all));
        });
}

void LocalSwitchboard::find_conference(std::string name, Answer<sfu::ConferenceInfo> answer) {
    const auto home = homes_.find(name);
    if (home == homes_.end()) {
        answer_later<sfu::ConferenceInfo>(std::move(answer),
                                          make_error(ErrorCode::kNotFound, kMissing));
        return;
    }
    using Part = std::optional<sfu::ConferenceInfo>;
    ask_many<Part>(
        home->second.workers(),
        [name = std::move(name)](WorkerContext& context) {
            return context.core.describe(context.now, name);
        },
        [answer = std::move(answer)](Result<std::vector<Part>> parts) mutable {
            if (!parts) {
                answer(std::unexpected(parts.error()));
                return;
            }
            Conferences found;
            for (Part& part : *parts) {
                if (part) {
                    found.push_back(*std::move(part));
                }
            }
            merge_parts(found);
            if (found.empty()) {
                answer(make_error(ErrorCode::kNotFound, kMissing));
                return;
            }
            answer(std::move(found.front()));
        });
}

void LocalSwitchboard::remove_participant(std::string conference,
                                          std::string identity,
                                          Answer<void> answer) {
    const auto home = homes_.find(conference);
    if (home == homes_.end()) {
        answer_later<void>(std::move(answer), make_error(ErrorCode::kNotFound, kMissing));
        return;
    }
    const auto worker = home->second.worker_of(identity);
    if (!worker) {
        answer_later<void>(
            std::move(answer),
            make_error(ErrorCode::kNotFound, "Nobody with this identity is in the conference."));
        return;
    }
    ask<void>(
        *worker,
        [conference = std::move(conference),
         identity = std::move(identity)](WorkerContext& context) {
            return context.core.remove_participant(context.now, conference, identity, context.sink);
        },
        std::move(answer));
}

void LocalSwitchboard::end_conference(std::string name, Answer<void> answer) {
    const auto home = homes_.find(name);
    if (home == homes_.end()) {
        answer_later<void>(std::move(answer), make_error(ErrorCode::kNotFound, kMissing));
        return;
    }
    ask_many<std::size_t>(
        home->second.workers(),
        [name = std::move(name)](WorkerContext& context) {
            return context.core.end_conference(
                context.now, name, LeaveReason::kRemoved, context.sink);
        },
        [answer = std::move(answer)](Result<std::vector<std::size_t>> ended) mutable {
            if (ended) {
                answer({});
            } else {
                answer(std::unexpected(ended.error()));
            }
        });
}

void LocalSwitchboard::collect_stats(Answer<std::vector<sfu::WorkerStats>> answer) {
    ask_all<sfu::WorkerStats>(
        [](WorkerContext& context) {
            sfu::WorkerStats stats = context.core.stats();
            context.sockets.add_to(stats);
            stats.cpu_seconds = thread_cpu_seconds();
            return stats;
        },
        [this, answer = std::move(answer)](Result<std::vector<sfu::WorkerStats>> workers) mutable {
            if (workers) {
                read_loads();
                for (std::size_t i = 0; i < workers->size(); ++i) {
                    (*workers)[i].mailbox_jobs = workers_[i]->jobs();
                    (*workers)[i].load_estimate = loads_.estimate(i);
                    (*workers)[i].load_cpu_share = loads_.reading(i).cpu_share;
                    (*workers)[i].connections_admitted = loads_.admitted(i);
                }
            }
            answer(std::move(workers));
        });
}

DataStats LocalSwitchboard::data_stats() const {
    return {.thread = group_->data->counters(),
            .backlog_bytes = backlog_->bytes(),
            .backlog_dropped = backlog_->dropped()};
}

void LocalSwitchboard::on_event(std::function<void(const ConferenceEvent&)> listener) {
    event_listener_ = std::move(listener);
}

void LocalSwitchboard::on_connection_gone(std::function<void(const ConnectionGone&)> listener) {
    listener_ = std::move(listener);
}

void LocalSwitchboard::handle_events(const std::vector<ConferenceEvent>& events) {
    for (const ConferenceEvent& event : events) {
        handle_event(event);
    }
}

void LocalSwitchboard::handle_event(const ConferenceEvent& event) {
    outbox_.on_event(event);
    if (event_listener_) {
        event_listener_(event);
    }
}

void LocalSwitchboard::handle_gone(const ConnectionGone& gone) {
    outbox_.forget(gone.connection);
    release(gone.connection);
    if (listener_) {
        listener_(gone);
    }
}

void LocalSwitchboard::shut_down(Answer<void> answer) {
    shutting_down_ = true;
    ask_all<std::size_t>(
        [](WorkerContext& context) {
            return context.core.end_conference(
                context.now, "", LeaveReason::kShutdown, context.sink);
        },
        [answer = std::move(answer)](Result<std::vector<std::size_t>> ended) mutable {
            if (ended) {
                answer({});
            } else {
                answer(std::unexpected(ended.error()));
            }
        });
}

std::vector<std::string> LocalSwitchboard::warnings() const {
    std::vector<std::string> all;
    for (const auto& worker : workers_) {
        all.insert(all.end(), worker->warnings().begin(), worker->warnings().end());
    }
    return all;
}

std::vector<std::uint16_t> LocalSwitchboard::ports() const {
    std::vector<std::uint16_t> ports;
    ports.reserve(workers_.size());
    for (const auto& worker : workers_) {
        ports.push_back(worker->port());
    }
    return ports;
}

}  // namespace isthmus::media
