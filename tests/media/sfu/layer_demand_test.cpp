#include "media/sfu/layer_demand.h"

#include <gtest/gtest.h>

namespace isthmus::media::sfu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant{} + std::chrono::hours(1);

TEST(LayerDemand, TakesEverythingForWantedUntilItIsTold) {
    LayerDemand demand;
    EXPECT_FALSE(demand.poll(kStart));
    demand.on_demand(kStart, kEverySize);
    EXPECT_FALSE(demand.poll(kStart));
    EXPECT_EQ(demand.next_timeout(), kNever);
}

TEST(LayerDemand, TellsOfLessWhenItHasStayedLess) {
    LayerDemand demand;
    demand.on_demand(kStart, 0);
    EXPECT_EQ(demand.next_timeout(), kStart + LayerDemand::kPatience);
    EXPECT_FALSE(demand.poll(kStart + LayerDemand::kPatience - milliseconds(1)));
    EXPECT_EQ(demand.poll(kStart + LayerDemand::kPatience), WantedSize(0));
    EXPECT_FALSE(demand.poll(kStart + seconds(60))) << "once";
    EXPECT_EQ(demand.next_timeout(), kNever);
}

TEST(LayerDemand, TellsOfMoreAtOnce) {
    LayerDemand demand;
    demand.on_demand(kStart, std::nullopt);
    ASSERT_TRUE(demand.poll(kStart + seconds(5)));
    demand.on_demand(kStart + seconds(6), 1);
    EXPECT_EQ(demand.poll(kStart + seconds(6)), WantedSize(1));
}

TEST(LayerDemand, ForgetsALessThatDidNotLast) {
    LayerDemand demand;
    demand.on_demand(kStart, std::nullopt);
    demand.on_demand(kStart + seconds(4), kEverySize);
    EXPECT_FALSE(demand.poll(kStart + seconds(5)));
    demand.on_demand(kStart + seconds(6), 0);
    EXPECT_FALSE(demand.poll(kStart + seconds(10))) << "its time begins anew";
    EXPECT_TRUE(demand.poll(kStart + seconds(11)));
}

// What is wanted goes on changing, but it is less than was told all the time.
TEST(LayerDemand, TellsTheLastOfSeveralThatAreLess) {
    LayerDemand demand;
    demand.on_demand(kStart, std::nullopt);
    demand.on_demand(kStart + seconds(4), 1);
    EXPECT_EQ(demand.poll(kStart + seconds(5)), WantedSize(1));
}

TEST(LayerDemand, IsRestatedWhereAnythingIsWanted) {
    LayerDemand demand;
    demand.restate();
    EXPECT_EQ(demand.poll(kStart), WantedSize(kEverySize));
    demand.on_demand(kStart, std::nullopt);
    ASSERT_TRUE(demand.poll(kStart + seconds(5)));
    demand.restate();
    EXPECT_FALSE(demand.poll(kStart + seconds(6)));
}

}  // namespace
}  // namespace isthmus::media::sfu
