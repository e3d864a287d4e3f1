// Gathers packets into groups that were sent, or that arrived, as one burst, and measures how the
// distance between two groups changed on the way.
//
// A queue that empties, or an air interface that sends what it gathered, delivers packets as fast
// as it can: their distances say nothing about the path's load. Specification:
// draft-ietf-rmcat-gcc-02 section 5.2; the limits are those of libwebrtc's InterArrivalDelta.
#pragma once

#include <optional>

#include "base/time.h"

namespace isthmus::media::congestion {

// From one group to the next.
struct GroupDelta {
    Duration sent;
    Duration arrived;
    Duration arrived_at;  // of the later group, on the receiver's clock
};

class ArrivalGroups {
  public:
    // Packets in order of their numbers; those that were sent before the current group began are
    // left out. A value for every group that this packet closes.
    std::optional<GroupDelta> on_packet(Instant sent_at, Duration arrived_at);

    void reset();

  private:
    struct Group {
        Instant first_sent;
        Instant last_sent;
        Duration first_arrived;
        Duration last_arrived;
    };

    [[nodiscard]] static bool belongs(const Group& current, Instant sent_at, Duration arrived_at);
    [[nodiscard]] std::optional<GroupDelta> close(const Group& before, const Group& current);

    std::optional<Group> current_;
    std::optional<Group> before_;
    int reordered_ = 0;
};

}  // namespace isthmus::media::congestion
