// On which workers one conference lives, and which of them the next connection goes to.
//
// Pure bookkeeping of the signaling thread. The first worker is the one with the least load;
// another one is added when all that there are have as many connections of this conference as they
// may, or are loaded themselves, and one that has less load than they is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/string_hash.h"
#include "media/worker/load_ledger.h"
#include "media/worker/switchboard.h"

namespace isthmus::media {

class ConferenceHome {
  public:
    explicit ConferenceHome(std::string id) : id_(std::move(id)) {}

    // A home loaded beyond this takes new connections only while no worker has kWorthSpanning less:
    // what it carries may yet grow (key frames, larger layers).
    static constexpr double kLoadedShare = 0.75;
    // Else the relay to one more worker costs about what it saves.
    static constexpr double kWorthSpanning = 0.2;

    // The worker for a connection of `identity`. `loads`: of all conferences. Who is in the
    // conference already goes where they are, so that the new connection replaces the old one. Does
    // not add it: see add().
    [[nodiscard]] std::size_t choose(const LoadLedger& loads,
                                     std::string_view identity,
                                     std::uint32_t connections_per_worker) const;

    // True where the worker is new to the conference. The connection takes the place of those that
    // the identity has, or stands beside them.
    bool add(std::size_t worker,
             ConnectionId connection,
             const std::string& identity,
             bool beside = false);
    // True where it was the worker's last one: it is no home of the conference any more.
    bool remove(std::size_t worker, ConnectionId connection, const std::string& identity);

    [[nodiscard]] const std::string& id() const { return id_; }

    // In the order of being added.
    [[nodiscard]] const std::vector<std::size_t>& workers() const { return workers_; }

    // However many connections each has.
    [[nodiscard]] std::size_t participants() const { return seats_.size(); }

    [[nodiscard]] std::optional<std::size_t> worker_of(std::string_view identity) const;

  private:
    struct Seat {
        std::size_t worker = 0;
        std::vector<ConnectionId> connections;
    };

    std::string id_;
    std::vector<std::size_t> workers_;
    std::vector<std::uint32_t> counts_;  // per entry of workers_
    boost::unordered_flat_map<std::string, Seat, StringHash, std::equal_to<>> seats_;
};

}  // namespace isthmus::media
