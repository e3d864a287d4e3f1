#include "media/client/frame_player.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::client {
namespace {

using rtp::at_ms;
using std::chrono::milliseconds;

FramePlayer make_player() {
    auto recording = std::make_shared<Recording>();
    recording->frames.resize(3);
    recording->frames.front().key = true;
    return {std::move(recording), milliseconds(33)};
}

TEST(FramePlayer, SaysWhenEachFrameWasDueThatIsPolledLate) {
    FramePlayer player = make_player();
    player.begin(at_ms(0));
    for (const int due_ms : {0, 33, 66}) {
        ASSERT_NE(player.poll(at_ms(70)), nullptr);
        EXPECT_EQ(player.taken_at(), at_ms(due_ms));
    }
    EXPECT_EQ(player.poll(at_ms(70)), nullptr);
    EXPECT_EQ(player.skipped(), 0U);
}

TEST(FramePlayer, GoesOnFromNowAfterALongPause) {
    FramePlayer player = make_player();
    player.begin(at_ms(0));
    ASSERT_NE(player.poll(at_ms(0)), nullptr);
    ASSERT_NE(player.poll(at_ms(1000)), nullptr);
    EXPECT_EQ(player.taken_at(), at_ms(1000));
    EXPECT_EQ(player.poll(at_ms(1000)), nullptr);
    EXPECT_EQ(player.next_timeout(), at_ms(1033));
    EXPECT_GT(player.skipped(), 0U);
}

}  // namespace
}  // namespace isthmus::media::client
