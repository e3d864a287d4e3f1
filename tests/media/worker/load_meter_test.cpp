#include "media/worker/load_meter.h"

#include <chrono>

#include <gtest/gtest.h>

namespace isthmus::media {
namespace {

using namespace std::chrono_literals;

class LoadMeterTest : public testing::Test {
  protected:
    // One round of the worker's loop, that far into the test.
    bool poll(Duration at, std::size_t participants) {
        return meter_.poll(Instant{} + at, participants, [this] {
            ++looks_;
            return totals_;
        });
    }

    // So many seconds of a steady load.
    void run(int seconds, Duration cpu_each, std::uint64_t packets_each) {
        for (int i = 0; i < seconds; ++i) {
            totals_.cpu += cpu_each;
            totals_.packets += packets_each;
            at_ += 1s;
            EXPECT_TRUE(poll(at_, 1));
        }
    }

    LoadMeter meter_;
    LoadMeter::Totals totals_{.cpu = 7s, .packets = 1000, .loading = 20};
    Duration at_ = 1h;
    int looks_ = 0;
};

TEST_F(LoadMeterTest, SleepsWhileNobodyIsThere) {
    EXPECT_FALSE(poll(1s, 0));
    EXPECT_EQ(meter_.next_timeout(), kNever);
    EXPECT_EQ(looks_, 0);
}

TEST_F(LoadMeterTest, LooksOnceASecond) {
    EXPECT_FALSE(poll(at_, 1));
    EXPECT_EQ(meter_.next_timeout(), Instant{} + at_ + 1s);
    EXPECT_FALSE(poll(at_ + 999ms, 1));
    EXPECT_EQ(looks_, 1);
    EXPECT_TRUE(poll(at_ + 1s, 1));
    EXPECT_EQ(meter_.next_timeout(), Instant{} + at_ + 2s);
}

TEST_F(LoadMeterTest, ComesToWhatIsSteadyAndCountsNothingFromBefore) {
    poll(at_, 1);
    run(40, 300ms, 5000);
    EXPECT_NEAR(meter_.reading().cpu_share, 0.3, 0.001);
    EXPECT_NEAR(meter_.reading().packets_per_second, 5000, 10);
    EXPECT_NEAR(meter_.reading().loading, 20, 0.1);
}

TEST_F(LoadMeterTest, ShowsTwoThirdsOfAChangeAfterItsTimeConstant) {
    poll(at_, 1);
    run(5, 500ms, 0);
    EXPECT_NEAR(meter_.reading().cpu_share, 0.5 * 0.632, 0.001);
    EXPECT_NEAR(meter_.reading().loading, 20 * 0.632, 0.01) << "in step with the CPU";
}

TEST_F(LoadMeterTest, GivesALateSampleTheWeightOfItsTime) {
    poll(at_, 1);
    totals_.cpu += 2500ms;
    EXPECT_TRUE(poll(at_ + 5s, 1));
    EXPECT_NEAR(meter_.reading().cpu_share, 0.5 * 0.632, 0.001);
}

TEST_F(LoadMeterTest, IsZeroAtOnceWhenTheLastOneIsGone) {
    poll(at_, 1);
    run(10, 500ms, 100);
    EXPECT_TRUE(poll(at_ + 10ms, 0));
    EXPECT_EQ(meter_.reading().cpu_share, 0);
    EXPECT_EQ(meter_.reading().loading, 0);
    EXPECT_FALSE(poll(at_ + 20ms, 0)) << "told once";
}

}  // namespace
}  // namespace isthmus::media
