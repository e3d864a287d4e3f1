// Which rooms have something to tell: at the end of this turn, or when some time has passed.
//
// A turn costs what it changed, however many rooms there are. Rooms put themselves on it; Rooms
// settles them. Signaling thread; no I/O.
#pragma once

#include <set>
#include <utility>

namespace isthmus::signaling::livekit {

class Room;

class RoomAgenda {
  public:
    // The room has changed.
    void add(Room& room) { now_.insert(&room); }

    // What it has to tell may wait for others.
    void postpone(Room& room) { later_.insert(&room); }

    // Time has passed: what was postponed is looked at again.
    void on_tick() { now_.merge(later_); }

    // The room is not there any more.
    void forget(Room& room) {
        now_.erase(&room);
        later_.erase(&room);
    }

    [[nodiscard]] std::set<Room*> take() { return std::exchange(now_, {}); }

  private:
    std::set<Room*> now_;
    std::set<Room*> later_;
};

}  // namespace isthmus::signaling::livekit
