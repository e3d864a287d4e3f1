#include "media/worker/conference_home.h"

#include <algorithm>

#include "base/check.h"

namespace isthmus::media {

std::size_t ConferenceHome::choose(const LoadLedger& loads,
                                   std::string_view identity,
                                   std::uint32_t connections_per_worker) const {
    if (const auto before = worker_of(identity)) {
        return *before;
    }
    const std::size_t least = loads.lightest();
    // Of those that are home and have room, the one with the least load; else a new one.
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        if (counts_[i] < connections_per_worker &&
            (!best || loads.is_lighter(workers_[i], *best))) {
            best = workers_[i];
        }
    }
    if (!best) {
        return least;
    }
    const double here = loads.estimate(*best);
    return here > kLoadedShare && loads.estimate(least) < here - kWorthSpanning ? least : *best;
}

bool ConferenceHome::add(std::size_t worker,
                         ConnectionId connection,
                         const std::string& identity,
                         bool beside) {
    Seat& seat = seats_[identity];
    seat.worker = worker;
    if (!beside) {
        seat.connections.clear();
    }
    seat.connections.push_back(connection);
    const auto found = std::ranges::find(workers_, worker);
    if (found != workers_.end()) {
        ++counts_[static_cast<std::size_t>(found - workers_.begin())];
        return false;
    }
    workers_.push_back(worker);
    counts_.push_back(1);
    return true;
}

bool ConferenceHome::remove(std::size_t worker,
                            ConnectionId connection,
                            const std::string& identity) {
    const auto seat = seats_.find(identity);
    if (seat != seats_.end()) {
        std::erase(seat->second.connections, connection);
        if (seat->second.connections.empty()) {
            seats_.erase(seat);
        }
    }
    const auto found = std::ranges::find(workers_, worker);
    CHECK(found != workers_.end());
    const auto place = found - workers_.begin();
    if (--counts_[static_cast<std::size_t>(place)] != 0) {
        return false;
    }
    workers_.erase(found);
    counts_.erase(counts_.begin() + place);
    return true;
}

std::optional<std::size_t> ConferenceHome::worker_of(std::string_view identity) const {
    const auto seat = seats_.find(identity);
    return seat == seats_.end() ? std::nullopt : std::optional(seat->second.worker);
}

}  // namespace isthmus::media
