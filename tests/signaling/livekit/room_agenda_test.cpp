#include "signaling/livekit/room_agenda.h"

#include <gtest/gtest.h>

#include "signaling/livekit/room.h"

namespace isthmus::signaling::livekit {
namespace {

TEST(RoomAgenda, HasOnlyRoomsThatChanged) {
    RoomAgenda agenda;
    Room idle("idle", "RM_1", {}, 0, agenda);
    Room busy("busy", "RM_2", {}, 0, agenda);
    busy.room_changed();
    busy.room_changed();
    EXPECT_EQ(agenda.take(), std::set<Room*>{&busy});
    EXPECT_TRUE(agenda.take().empty());
}

TEST(RoomAgenda, LooksAgainAtTheNextTickAtWhatWaits) {
    RoomAgenda agenda;
    Room room("demo", "RM_1", {}, 0, agenda);
    agenda.postpone(room);
    EXPECT_TRUE(agenda.take().empty());
    agenda.on_tick();
    EXPECT_EQ(agenda.take(), std::set<Room*>{&room});
}

TEST(RoomAgenda, ForgetsARoomThatIsClosed) {
    RoomAgenda agenda;
    Room room("demo", "RM_1", {}, 0, agenda);
    room.room_changed();
    agenda.postpone(room);
    agenda.forget(room);
    agenda.on_tick();
    EXPECT_TRUE(agenda.take().empty());
}

}  // namespace
}  // namespace isthmus::signaling::livekit
