#include "media/client/frame_watch.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::client {
namespace {

using rtp::advance;
using rtp::at_ms;
using rtp::ExtendedSeq;
using rtp::make_extended_seq;

constexpr int kFrameMs = 33;

// Frames of three packets, 33 ms apart; the first one is a key frame.
class Stream {
  public:
    explicit Stream(std::uint16_t first) : first_(make_extended_seq(1, first)) {}

    // Packet `part` (0 to 2) of frame `frame` arrives when its frame is due, or at `ms`.
    void arrive(int frame, int part, int ms = -1, bool key = false) {
        watch.on_packet(at_ms(ms < 0 ? frame * kFrameMs : ms),
                        advance(first_, frame * 3 + part),
                        part == 2,
                        part == 0 && (frame == 0 || key));
    }

    void arrive_whole(int frame, int ms = -1, bool key = false) {
        for (int part = 0; part < 3; ++part) {
            arrive(frame, part, ms, key);
        }
    }

    FrameWatch watch;

  private:
    ExtendedSeq first_;
};

TEST(FrameWatch, CountsWholeFramesAroundEveryWrap) {
    for (const std::uint16_t first :
         std::initializer_list<std::uint16_t>{0, 127, 32767, 65535, 65530}) {
        Stream stream(first);
        for (int frame = 0; frame < 40; ++frame) {
            stream.arrive_whole(frame);
        }
        EXPECT_EQ(stream.watch.counters().frames, 40U) << first;
        EXPECT_EQ(stream.watch.counters().freezes, 0U);
        EXPECT_EQ(stream.watch.frozen(at_ms(40 * kFrameMs)), Duration::zero());
        EXPECT_EQ(stream.watch.first_frame_at(), at_ms(0));
        EXPECT_FALSE(stream.watch.stalled_since());
    }
}

TEST(FrameWatch, WaitsForAKeyFrameBeforeItCounts) {
    Stream stream(10);
    EXPECT_FALSE(stream.watch.waits_for_key_frame()) << "nothing has come";
    stream.arrive_whole(1);
    EXPECT_TRUE(stream.watch.waits_for_key_frame());
    EXPECT_EQ(stream.watch.counters().frames, 0U);
    stream.arrive_whole(2, -1, true);
    EXPECT_FALSE(stream.watch.waits_for_key_frame());
    EXPECT_EQ(stream.watch.counters().frames, 1U);
    EXPECT_EQ(stream.watch.first_frame_at(), at_ms(2 * kFrameMs));
}

TEST(FrameWatch, TakesPacketsInAnyOrder) {
    Stream stream(65533);
    stream.arrive(0, 0);
    stream.arrive(0, 2);
    stream.arrive(1, 1);
    stream.arrive(1, 0);
    EXPECT_EQ(stream.watch.counters().frames, 0U);
    EXPECT_EQ(stream.watch.stalled_since(), at_ms(0));
    stream.arrive(1, 2);
    stream.arrive(0, 1, 40);
    EXPECT_EQ(stream.watch.counters().frames, 2U);
    EXPECT_FALSE(stream.watch.stalled_since());
}

TEST(FrameWatch, MeasuresAFreezeUntilTheGapIsFilled) {
    Stream stream(100);
    for (int frame = 0; frame < 10; ++frame) {
        stream.arrive_whole(frame);
    }
    stream.arrive(10, 0);
    stream.arrive(10, 2);
    for (int frame = 11; frame < 25; ++frame) {
        stream.arrive_whole(frame);
    }
    // It lasts.
    EXPECT_EQ(stream.watch.counters().frames, 10U);
    EXPECT_EQ(stream.watch.frozen(at_ms(800)), std::chrono::milliseconds(800 - 9 * kFrameMs));
    stream.arrive(10, 1, 800);
    EXPECT_EQ(stream.watch.counters().frames, 25U);
    EXPECT_EQ(stream.watch.counters().freezes, 1U);
    EXPECT_EQ(stream.watch.counters().frozen, std::chrono::milliseconds(800 - 9 * kFrameMs));
}

TEST(FrameWatch, GoesOnAtAKeyFrameBehindAGap) {
    Stream stream(65530);
    stream.arrive_whole(0);
    stream.arrive(1, 0);
    stream.arrive(1, 2);
    stream.arrive_whole(2);
    stream.arrive_whole(3, -1, true);
    EXPECT_EQ(stream.watch.counters().skips, 1U);
    EXPECT_EQ(stream.watch.counters().frames, 2U) << "the first and the key frame";
    stream.arrive(1, 1, 200);
    EXPECT_EQ(stream.watch.counters().frames, 2U) << "too late to be shown";
}

TEST(FrameWatch, GivesUpWhereTooMuchIsMissing) {
    Stream stream(0);
    stream.arrive_whole(0);
    stream.arrive_whole(2000);
    EXPECT_TRUE(stream.watch.waits_for_key_frame());
    stream.arrive_whole(2001, -1, true);
    EXPECT_EQ(stream.watch.counters().frames, 2U);
    EXPECT_FALSE(stream.watch.stalled_since());
}

}  // namespace
}  // namespace isthmus::media::client
