// From a datagram to the participant that it is for.
//
// By the path that it came on, or, for a first ICE check, by the user name in it. Bytes that belong
// to nobody are counted and dropped. Leaves out what follows from them: WorkerCore has everybody
// who was touched forward and settle at the end of the batch.
#pragma once

#include "base/time.h"
#include "media/transport/datagram.h"
#include "media/worker/worker_state.h"

namespace isthmus::media {

class DatagramIntake {
  public:
    // `state` outlives the intake.
    explicit DatagramIntake(WorkerState& state) : state_(state) {}

    void handle(Instant now, const transport::InDatagram& datagram, transport::DatagramSink& sink);
    // The TCP connection of `path` is gone.
    void handle_path_closed(Instant now, const transport::Path& path);

  private:
    void handle_stun(Instant now,
                     const transport::InDatagram& datagram,
                     transport::DatagramSink& sink);

    WorkerState& state_;
};

}  // namespace isthmus::media
