#include "media/worker/worker_state.h"

#include <utility>

#include "media/worker/worker_report.h"

namespace isthmus::media {

WorkerState::WorkerState(WorkerCoreConfig worker_config,
                         RandomSource& random_source,
                         transport::SrtpFanout& srtp_fanout)
    : config(std::move(worker_config)),
      random(random_source),
      fanout(srtp_fanout),
      egress(srtp_fanout),
      relay(config.index, config.rings, config.limits) {}

WorkerState::~WorkerState() = default;

sfu::Conference* WorkerState::find_conference(const std::string& name) const {
    const auto found = conferences.find(name);
    return found == conferences.end() ? nullptr : found->second.get();
}

sfu::Conference& WorkerState::find_or_make_conference(Instant now,
                                                      const std::string& name,
                                                      std::string id) {
    if (sfu::Conference* found = find_conference(name)) {
        return *found;
    }
    if (id.empty()) {
        id = "RM_" + random.next_token(12);
    }
    auto conference = std::make_unique<sfu::Conference>(
        sfu::ConferenceConfig{.id = std::move(id),
                              .name = name,
                              .created_at_unix_ms = unix_ms(now),
                              .audio_loudest = config.limits.audio_loudest,
                              .audio_all_up_to = config.limits.audio_all_up_to});
    return *conferences.emplace(name, std::move(conference)).first->second;
}

void WorkerState::drop_if_empty(const sfu::Conference& conference) {
    if (conference.size() == 0 && !relay.is_linked(conference.name())) {
        add_counters(conference, stats);
        conferences.erase(conferences.find(conference.name()));
    }
}

void WorkerState::drain_datagrams(sfu::Participant& participant, transport::DatagramSink& sink) {
    while (const auto datagram = participant.transport().poll_datagram()) {
        ++stats.datagrams_sent;
        stats.bytes_sent += datagram->bytes.size();
        sink.send({&*datagram, 1});
    }
}

std::int64_t WorkerState::unix_ms(Instant now) const {
    return (config.unix_ns_at_zero + now.time_since_epoch().count()) / 1'000'000;
}

}  // namespace isthmus::media
