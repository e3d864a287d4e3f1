// usrsctp runs its timers by the time that it is told, but measures round trips, and the age of
// what it sent, by gettimeofday(). Programs that link this have one of their own: while a
// simulation lasts it tells the simulation's time, so that what usrsctp does depends on nothing
// else.
#pragma once

#include "base/time.h"

namespace isthmus::media::data::testing {

class SimulatedTimeOfDay {
  public:
    SimulatedTimeOfDay() = default;
    ~SimulatedTimeOfDay();
    SimulatedTimeOfDay(const SimulatedTimeOfDay&) = delete;
    SimulatedTimeOfDay& operator=(const SimulatedTimeOfDay&) = delete;

    void set(Instant now);
};

}  // namespace isthmus::media::data::testing
