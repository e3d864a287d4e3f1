// What signaling sends on data channels, on its way to the data thread: gathered for one turn, so
// that what goes to many is handed over once.
//
// Signaling thread only. Knows from the events which channels are unreliable: a message that the
// data thread does not take is lost there, and costs anybody else the connection.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "media/data/io/data_thread.h"
#include "media/worker/conference_event.h"

namespace isthmus::media {

class DataOutbox {
  public:
    // True where it is the first of a turn: flush() is to be called at its end.
    [[nodiscard]] bool add(ConnectionId connection, DataMessage message);

    // Hands over to `take` (false where it takes nothing) what has been added, in runs of one
    // message to many. Returns the connections that lost a message which they were promised.
    using Take = std::function<bool(const std::vector<data::OutgoingMessage>&)>;
    [[nodiscard]] std::vector<ConnectionId> flush(const Take& take);

    void on_event(const ConferenceEvent& event);

    void forget(ConnectionId connection) { unreliable_.erase(connection.value); }

  private:
    [[nodiscard]] bool is_reliable(const data::OutgoingMessage& message) const;

    std::vector<data::OutgoingMessage> waiting_;
    boost::unordered_flat_map<std::uint64_t, std::vector<std::uint16_t>> unreliable_;  // channels
};

}  // namespace isthmus::media
