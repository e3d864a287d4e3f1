// What follows from the measurements: delay control, loss control, queues that stand.
#include "media/congestion/rate_control.h"

#include <chrono>

#include <gtest/gtest.h>

#include "media/congestion/feedback_watch.h"
#include "media/congestion/loss_control.h"
#include "media/congestion/standing_queue.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::milliseconds;

constexpr RateBounds kBounds = {.min = DataRate::kbps(50), .max = DataRate::kbps(10'000)};

PathState path_of(Usage usage, std::int64_t throughput_kbps) {
    return {.usage = usage, .throughput = DataRate::kbps(throughput_kbps)};
}

TEST(RateControl, GrowsByEightPercentASecond) {
    RateControl control(DataRate::kbps(1000), kBounds);
    for (int i = 0; i <= 10; ++i) {
        control.on_feedback(at_ms(100 * i), path_of(Usage::kNormal, 1000));
    }
    EXPECT_NEAR(control.rate() / DataRate::kbps(1080), 1, 0.005);
}

TEST(RateControl, CutsToWhatArrivesAndThenGrowsWithCare) {
    RateControl control(DataRate::kbps(1000), kBounds);
    control.set_round_trip(milliseconds(100));
    control.on_feedback(at_ms(0), path_of(Usage::kNormal, 900));
    control.on_feedback(at_ms(100), path_of(Usage::kOverusing, 900));
    EXPECT_EQ(control.rate(), DataRate::kbps(765));
    // Hold while the queue drains.
    control.on_feedback(at_ms(200), path_of(Usage::kUnderusing, 900));
    EXPECT_EQ(control.rate(), DataRate::kbps(765));
    for (int i = 0; i <= 10; ++i) {
        control.on_feedback(at_ms(300 + 100 * i), path_of(Usage::kNormal, 765));
    }
    // About a packet for each 200 ms.
    EXPECT_GT(control.rate(), DataRate::kbps(790));
    EXPECT_LT(control.rate(), DataRate::kbps(830));
}

TEST(RateControl, CutsOnceForEachRoundTripAndFurtherWhileTheQueueGrows) {
    RateControl control(DataRate::kbps(1000), kBounds);
    control.set_round_trip(milliseconds(150));
    control.on_feedback(at_ms(0), path_of(Usage::kOverusing, 900));
    control.on_feedback(at_ms(100), path_of(Usage::kOverusing, 800));
    EXPECT_EQ(control.rate(), DataRate::kbps(765));
    control.on_feedback(at_ms(200), path_of(Usage::kOverusing, 900));
    EXPECT_EQ(control.rate(), DataRate::kbps(765));
    // The throughput is still what was sent before: less all the same.
    control.on_feedback(at_ms(400), path_of(Usage::kOverusing, 900));
    EXPECT_LT(control.rate(), DataRate::kbps(690));
    EXPECT_GT(control.rate(), DataRate::kbps(680));
}

// A key frame fills a queue although little was sent before: the path's rate counts.
TEST(RateControl, CutsToWhatThePathCarriesWhereThatIsMore) {
    RateControl control(DataRate::kbps(2000), kBounds);
    PathState path = path_of(Usage::kOverusing, 500);
    path.busy_rate = DataRate::kbps(1800);
    control.on_feedback(at_ms(0), path);
    EXPECT_EQ(control.rate(), DataRate::kbps(1530));
}

TEST(RateControl, DoesNotGrowFarAboveWhatIsSent) {
    RateControl control(DataRate::kbps(1000), kBounds);
    PathState path = path_of(Usage::kNormal, 1000);
    for (int i = 0; i < 1000; ++i) {
        control.on_feedback(at_ms(100 * i), path);
    }
    EXPECT_EQ(control.rate(), DataRate::kbps(1510));
    path.application_limited = true;
    RateControl limited(DataRate::kbps(1000), kBounds);
    for (int i = 0; i < 1000; ++i) {
        limited.on_feedback(at_ms(100 * i), path);
    }
    EXPECT_EQ(limited.rate(), DataRate::kbps(1150));
    limited.on_probe(at_ms(200'000), DataRate::kbps(3000));
    EXPECT_EQ(limited.rate(), DataRate::kbps(3000));
}

TEST(RateControl, StaysWithinItsBounds) {
    RateControl control(DataRate::kbps(1000), kBounds);
    control.on_probe(at_ms(0), DataRate::kbps(50'000));
    EXPECT_EQ(control.rate(), kBounds.max);
    for (int i = 0; i < 30; ++i) {
        control.on_silence(at_ms(1000 * i));
    }
    EXPECT_EQ(control.rate(), kBounds.min);
}

TEST(RateControl, FollowsLossBesideALossBasedFlow) {
    RateControl control(DataRate::kbps(300), kBounds);
    PathState path = path_of(Usage::kOverusing, 300);
    path.competing = true;
    path.wanted = DataRate::kbps(1000);
    for (int i = 0; i < 50; ++i) {
        control.on_feedback(at_ms(100 * i), path);
    }
    EXPECT_GT(control.rate(), DataRate::kbps(380)) << "overuse is not ours";
    const DataRate before = control.rate();
    path.lossy = true;
    control.on_feedback(at_ms(5100), path);
    control.on_feedback(at_ms(5200), path);
    EXPECT_NEAR(control.rate() / before, 0.7, 0.01) << "once for each loss";
}

TEST(StandingQueue, IsForeignWhereCutsDoNotEmptyIt) {
    StandingQueue queue;
    int ms = 0;
    const auto wait = [&](int packets, int queued_ms) {
        for (int i = 0; i < packets; ++i) {
            queue.on_packet(at_ms(ms += 20), milliseconds(queued_ms));
        }
    };
    wait(50, 5);
    wait(200, 100);
    EXPECT_FALSE(queue.is_foreign(at_ms(ms))) << "nothing was tried yet";
    queue.on_cut(at_ms(ms));
    queue.on_cut(at_ms(ms));
    queue.on_cut(at_ms(ms));
    EXPECT_TRUE(queue.is_foreign(at_ms(ms)));
    wait(1, 5);
    EXPECT_FALSE(queue.is_foreign(at_ms(ms)));
    wait(200, 100);
    EXPECT_FALSE(queue.is_foreign(at_ms(ms))) << "cuts count anew";
}

TEST(StandingQueue, IsTallWhereItDoesNotFallForLong) {
    StandingQueue queue;
    queue.on_packet(at_ms(0), milliseconds(80));
    queue.on_packet(at_ms(290), milliseconds(60));
    EXPECT_TRUE(queue.is_high());
    EXPECT_FALSE(queue.is_tall(at_ms(290)));
    queue.on_packet(at_ms(400), milliseconds(60));
    EXPECT_TRUE(queue.is_tall(at_ms(400)));
    queue.on_cut(at_ms(400));
    EXPECT_FALSE(queue.is_tall(at_ms(500))) << "the cut takes a while";
    queue.on_packet(at_ms(800), milliseconds(30));
    EXPECT_FALSE(queue.is_high());
    EXPECT_FALSE(queue.is_tall(at_ms(900)));
}

struct Loss {
    LossControl control;
    int ms = 0;

    // Windows of 300 ms.
    void lose(double share, int windows, DataRate rate) {
        for (int i = 0; i < windows; ++i) {
            ms += 300;
            const auto lost = static_cast<std::uint32_t>(share * 100);
            control.on_packets(100 - lost, lost);
            control.update(at_ms(ms), milliseconds(50), std::min(rate, control.limit()), {});
        }
    }
};

TEST(LossControl, LimitsNothingWithoutReason) {
    Loss loss;
    loss.lose(0.05, 50, DataRate::kbps(1000));
    EXPECT_TRUE(loss.control.limit().is_unlimited());
    EXPECT_NEAR(loss.control.loss(), 0.05, 1e-9);
}

TEST(LossControl, CutsByHalfOfTheLossAndComesBack) {
    Loss loss;
    loss.lose(0, 2, DataRate::kbps(1000));
    loss.lose(0.2, 1, DataRate::kbps(1000));
    EXPECT_EQ(loss.control.limit(), DataRate::kbps(900));
    loss.lose(0.2, 1, DataRate::kbps(900));
    EXPECT_EQ(loss.control.limit(), DataRate::kbps(900)) << "300 ms and a round trip between cuts";
    loss.lose(0.2, 1, DataRate::kbps(900));
    EXPECT_EQ(loss.control.limit(), DataRate::kbps(810));
    loss.lose(0, 10, DataRate::kbps(800));
    EXPECT_GT(loss.control.limit(), DataRate::kbps(950));
    loss.control.on_probe(DataRate::kbps(2000));
    EXPECT_EQ(loss.control.limit(), DataRate::kbps(2000));
}

TEST(LossControl, TakesWhatAFullQueueLetsThrough) {
    LossControl control;
    control.on_packets(100, 0);
    control.update(at_ms(0), milliseconds(50), DataRate::kbps(1500), {});
    control.on_packets(40, 60);
    control.update(at_ms(300), milliseconds(50), DataRate::kbps(1500), DataRate::kbps(500));
    EXPECT_EQ(control.limit(), DataRate::kbps(425));
}

// A radio loses 15 % whatever is sent.
TEST(LossControl, LearnsTheLossThatIsThePaths) {
    Loss loss;
    loss.lose(0.15, 60, DataRate::kbps(1000));
    EXPECT_NEAR(loss.control.loss_of_path(), 0.15, 0.05);
    EXPECT_GT(loss.control.limit(), DataRate::kbps(600));
}

TEST(LossControl, IsNotFooledByAFewPackets) {
    LossControl control;
    for (int i = 0; i < 5; ++i) {
        control.on_packets(1, 1);
        control.update(at_ms(300 * i), milliseconds(50), DataRate::kbps(100), {});
    }
    EXPECT_TRUE(control.limit().is_unlimited());
}

TEST(FeedbackWatch, WaitsForWhatIsOnItsWay) {
    FeedbackWatch watch;
    EXPECT_EQ(watch.next_timeout(), kNever);
    watch.on_sent(at_ms(0));
    watch.on_sent(at_ms(500));
    EXPECT_FALSE(watch.is_silent(at_ms(799)));
    EXPECT_TRUE(watch.is_silent(at_ms(800)));
    EXPECT_FALSE(watch.is_silent(at_ms(900)));
    EXPECT_TRUE(watch.is_silent(at_ms(1600)));
    watch.on_feedback(at_ms(1700), milliseconds(500), false);
    EXPECT_EQ(watch.next_timeout(), at_ms(3200)) << "three round trips";
    watch.on_feedback(at_ms(1800), milliseconds(500), true);
    EXPECT_EQ(watch.next_timeout(), kNever);
}

}  // namespace
}  // namespace isthmus::media::congestion
