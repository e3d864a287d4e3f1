#include "media/sfu/connection_meter.h"

#include <gtest/gtest.h>

namespace isthmus::media::sfu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant{} + std::chrono::hours(1);

TEST(ConnectionMeter, IsDueOncePerInterval) {
    ConnectionMeter meter;
    EXPECT_EQ(meter.next_timeout(), kNever);
    meter.start(kStart);
    EXPECT_FALSE(meter.is_due(kStart + ConnectionMeter::kInterval - milliseconds(1)));
    EXPECT_TRUE(meter.is_due(kStart + ConnectionMeter::kInterval));
    meter.finish_interval(kStart + seconds(6), {});
    EXPECT_EQ(meter.next_timeout(), kStart + seconds(6) + ConnectionMeter::kInterval);
}

TEST(ConnectionMeter, CountsWhatWasLostSinceTheLastTime) {
    ConnectionMeter meter;
    meter.start(kStart);
    EXPECT_DOUBLE_EQ(meter.finish_interval(kStart, {.packets = 90, .lost = 10}), 0.1);
    EXPECT_DOUBLE_EQ(meter.finish_interval(kStart, {.packets = 190, .lost = 10}), 0.0);
    EXPECT_DOUBLE_EQ(meter.finish_interval(kStart, {.packets = 190, .lost = 30}), 1.0);
    EXPECT_DOUBLE_EQ(meter.finish_interval(kStart, {.packets = 190, .lost = 30}), 0.0);
}

// Tracks that ended took their figures with them.
TEST(ConnectionMeter, TakesTotalsThatFellForAnIntervalWithoutLoss) {
    ConnectionMeter meter;
    meter.finish_interval(kStart, {.packets = 100, .lost = 50});
    EXPECT_DOUBLE_EQ(meter.finish_interval(kStart, {.packets = 10, .lost = 60}), 0.0);
    EXPECT_DOUBLE_EQ(meter.finish_interval(kStart, {.packets = 20, .lost = 5}), 0.0);
    EXPECT_DOUBLE_EQ(meter.finish_interval(kStart, {.packets = 25, .lost = 10}), 0.5);
}

}  // namespace
}  // namespace isthmus::media::sfu
