// When the path is probed, how a probe is spread, and what it may cost.
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "media/congestion/alr_detector.h"
#include "media/congestion/padding_budget.h"
#include "media/congestion/probe_controller.h"
#include "media/congestion/prober.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr DataRate kFirst = DataRate::kbps(500);

ProbeController make_controller() {
    return {kFirst, DataRate::kbps(10'000), DataRate::kbps(20'000)};
}

ProbeConditions conditions_of(std::int64_t kbps) {
    return {.estimate = DataRate::kbps(kbps), .calm = true, .application_limited = true};
}

TEST(ProbeController, BeginsWithThreeAndSixTimesTheFirstEstimate) {
    ProbeController controller = make_controller();
    EXPECT_FALSE(controller.poll(at_ms(0), conditions_of(500)));
    EXPECT_EQ(controller.next_timeout(), kNever);
    controller.begin(at_ms(0));
    const auto first = controller.poll(at_ms(0), conditions_of(500));
    const auto second = controller.poll(at_ms(0), conditions_of(500));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->rate, DataRate::kbps(1500));
    EXPECT_EQ(second->rate, DataRate::kbps(3000));
    EXPECT_FALSE(first->verifies);
    EXPECT_NE(first->id, second->id);
    EXPECT_NE(first->id, kNoProbe);
    EXPECT_FALSE(controller.poll(at_ms(0), conditions_of(500)));
}

TEST(ProbeController, DoublesWhileProbesSucceed) {
    ProbeController controller = make_controller();
    controller.begin(at_ms(0));
    (void)controller.poll(at_ms(0), conditions_of(500));
    (void)controller.poll(at_ms(0), conditions_of(500));
    controller.on_result(at_ms(200), DataRate::kbps(2900), conditions_of(2900));
    auto next = controller.poll(at_ms(200), conditions_of(2900));
    ASSERT_TRUE(next);
    EXPECT_EQ(next->rate, DataRate::kbps(5800));
    controller.on_result(at_ms(400), DataRate::kbps(5800), conditions_of(5800));
    next = controller.poll(at_ms(400), conditions_of(5800));
    ASSERT_TRUE(next);
    EXPECT_EQ(next->rate, DataRate::kbps(10'000)) << "as far as it goes at the beginning";
    // Much less than asked for: that is what there is.
    controller.on_result(at_ms(600), DataRate::kbps(6500), conditions_of(6500));
    EXPECT_FALSE(controller.poll(at_ms(600), conditions_of(6500)));
}

ProbeController begun(std::int64_t kbps) {
    ProbeController controller = make_controller();
    controller.begin(at_ms(0));
    while (controller.poll(at_ms(0), conditions_of(kbps))) {
    }
    return controller;
}

TEST(ProbeController, TriesAgainWhatTheFirstProbesMissedButOnlyAtTheBeginning) {
    ProbeController controller = begun(3000);
    // Nothing better is wanted: what a wider path is good for is frames that leave in one go.
    controller.set_wanted({.used = DataRate::kbps(2300), .most = DataRate::kbps(2300)});
    std::vector<std::int64_t> at;
    for (int ms = 100; ms < 30'000; ms += 100) {
        if (const auto probe = controller.poll(at_ms(ms), conditions_of(3000))) {
            EXPECT_EQ(probe->rate, DataRate::kbps(6000)) << "no further than doubling";
            at.push_back(ms);
        }
    }
    ASSERT_FALSE(at.empty());
    EXPECT_LE(at.size(), 2U);
    EXPECT_LT(at.back(), 5000);
}

TEST(ProbeController, AsksForTheNextSetOfLayersAndRarerEachTime) {
    ProbeController controller = begun(500);
    controller.set_wanted(
        {.next = DataRate::kbps(900), .used = DataRate::kbps(400), .most = DataRate::kbps(3000)});
    std::vector<double> at;
    for (int ms = 1000; ms < 60'000; ms += 100) {
        if (const auto cluster = controller.poll(at_ms(ms), conditions_of(500))) {
            EXPECT_TRUE(cluster->verifies);
            EXPECT_GT(cluster->rate, DataRate::kbps(900));
            EXPECT_LE(cluster->rate, DataRate::kbps(1000));
            at.push_back(ms / 1000.0);
        }
    }
    ASSERT_GT(at.size(), 5U);
    EXPECT_LE(at.size(), 16U) << "four seconds apart in the end";
    EXPECT_GT(at.back() - at[at.size() - 2], at[1] - at[0]);
}

// What broke: capacity that had come back was climbed with a pause of seconds before each layer.
TEST(ProbeController, AsksForTheNextAtOnceAfterAGain) {
    const auto next_after = [](std::int64_t result_kbps) {
        ProbeController controller = begun(500);
        controller.set_wanted({.next = DataRate::kbps(900),
                               .used = DataRate::kbps(400),
                               .most = DataRate::kbps(3000)});
        int ms = 6000;
        while (!controller.poll(at_ms(ms), conditions_of(500))) {
            ms += 10;
        }
        const int asked_at = ms;
        ms += 200;
        controller.on_result(at_ms(ms), DataRate::kbps(result_kbps), conditions_of(result_kbps));
        controller.set_wanted({.next = DataRate::kbps(1500),
                               .used = DataRate::kbps(850),
                               .most = DataRate::kbps(3000)});
        while (!controller.poll(at_ms(ms), conditions_of(result_kbps))) {
            ms += 10;
        }
        return ms - asked_at;
    };
    EXPECT_LE(next_after(940), 800);
    EXPECT_GE(next_after(500), 2000) << "nothing was gained";
}

TEST(ProbeController, DoesNotProbeWhereItWouldHarmOrTeachNothing) {
    const auto probes = [](const WantedRates& wanted, const ProbeConditions& conditions) {
        ProbeController controller = begun(500);
        controller.set_wanted(wanted);
        int count = 0;
        for (int ms = 6000; ms < 30'000; ms += 100) {
            count += controller.poll(at_ms(ms), conditions) ? 1 : 0;
        }
        return count;
    };
    const WantedRates wanted = {.next = DataRate::kbps(900), .most = DataRate::kbps(3000)};
    EXPECT_GT(probes(wanted, conditions_of(500)), 0);
    EXPECT_EQ(probes({.most = DataRate::kbps(3000)}, conditions_of(500)), 0) << "nothing is wanted";
    EXPECT_EQ(probes(wanted, conditions_of(1000)), 0) << "it is there already";
    ProbeConditions conditions = conditions_of(500);
    conditions.calm = false;
    EXPECT_EQ(probes(wanted, conditions), 0);
    conditions = conditions_of(500);
    conditions.application_limited = false;
    EXPECT_EQ(probes(wanted, conditions), 0) << "media shows what there is";
}

TEST(ProbeController, NeverUsesTheIdThatMeansNone) {
    ProbeController controller = begun(500);
    controller.set_wanted({.next = DataRate::kbps(900), .most = DataRate::kbps(3000)});
    std::set<ProbeClusterId> ids;
    for (int s = 10; s < 10'000; s += 10) {
        if (const auto cluster = controller.poll(at_ms(1000 * s), conditions_of(500))) {
            ids.insert(cluster->id);
        }
    }
    EXPECT_EQ(ids.size(), 255U);
    EXPECT_FALSE(ids.contains(kNoProbe));
}

TEST(ProbeController, WaitsAfterADrop) {
    ProbeController controller = begun(2000);
    controller.set_wanted({.next = DataRate::kbps(1900), .most = DataRate::kbps(3000)});
    controller.on_drop(at_ms(10'000), DataRate::kbps(2000), DataRate::kbps(1000));
    EXPECT_FALSE(controller.poll(at_ms(11'900), conditions_of(1000)));
    const auto cluster = controller.poll(at_ms(12'100), conditions_of(1000));
    ASSERT_TRUE(cluster);
    EXPECT_EQ(cluster->rate, DataRate::kbps(1700)) << "85 % of what was before";
}

TEST(Prober, SpreadsAClusterAtItsRate) {
    Prober prober;
    EXPECT_EQ(prober.next_send(), kNever);
    const ProbeCluster cluster = {
        .id = 7, .rate = DataRate::kbps(8000), .size = DataSize::bytes(30'000), .packets = 5};
    ASSERT_TRUE(prober.add(at_ms(100), cluster));
    EXPECT_EQ(prober.current(), kNoProbe);
    Instant now = prober.next_send();
    DataSize sent;
    while (!prober.idle()) {
        const auto due = prober.poll(now);
        ASSERT_TRUE(due);
        EXPECT_EQ(due->cluster, 7);
        EXPECT_EQ(due->packet_size, DataSize::bytes(6000));
        for (DataSize left = due->size; left > DataSize(); left -= DataSize::bytes(1000)) {
            prober.on_sent(now, 7, DataSize::bytes(1000));
            sent += DataSize::bytes(1000);
        }
        EXPECT_FALSE(prober.poll(now)) << "asked again, nothing is due";
        if (!prober.idle()) {
            EXPECT_EQ(prober.current(), 7);
            now = prober.next_send();
        }
    }
    EXPECT_GE(sent, DataSize::bytes(30'000));
    EXPECT_LE(sent, DataSize::bytes(32'000));
    EXPECT_GE(now, at_ms(126));
    EXPECT_LE(now, at_ms(130));
}

TEST(Prober, GivesUpWhatCouldNotBeSent) {
    Prober prober;
    ASSERT_TRUE(prober.add(at_ms(0), {.id = 1, .rate = kFirst, .size = DataSize::bytes(1000)}));
    ASSERT_TRUE(prober.poll(at_ms(100)));
    EXPECT_TRUE(prober.poll(at_ms(100))) << "still due";
    EXPECT_EQ(prober.next_timeout(), at_ms(105)) << "but nobody spins on it";
    EXPECT_FALSE(prober.poll(at_ms(1500)));
    EXPECT_TRUE(prober.idle());
    for (ProbeClusterId id = 1; id <= 4; ++id) {
        EXPECT_TRUE(prober.add(at_ms(2000), {.id = id, .rate = kFirst}));
    }
    EXPECT_FALSE(prober.add(at_ms(2000), {.id = 5, .rate = kFirst}));
}

TEST(PaddingBudget, HoldsPaddingBelowItsShareOfAMinute) {
    PaddingBudget budget;
    std::int64_t media = 0;
    std::int64_t padding = 0;
    for (int ms = 0; ms < 180'000; ms += 10) {
        budget.on_sent(at_ms(ms), DataSize::bytes(1000), false);
        if (ms > 10'000) {
            media += 1000;
        }
        if (budget.allows(at_ms(ms), DataSize::bytes(5000))) {
            budget.on_sent(at_ms(ms), DataSize::bytes(5000), true);
            padding += ms > 10'000 ? 5000 : 0;
        }
    }
    const double share = static_cast<double>(padding) / static_cast<double>(padding + media);
    EXPECT_LT(share, 0.042);
    EXPECT_GT(share, 0.03);
}

TEST(PaddingBudget, ForgetsAfterAMinuteOfSilence) {
    PaddingBudget budget;
    budget.on_sent(at_ms(0), DataSize::bytes(1000), false);
    EXPECT_TRUE(budget.allows(at_ms(10), DataSize::bytes(100'000))) << "at the beginning";
    budget.on_sent(at_ms(100'000), DataSize::bytes(1000), false);
    EXPECT_FALSE(budget.allows(at_ms(100'010), DataSize::bytes(1000)));
    EXPECT_TRUE(budget.allows(at_ms(100'010), DataSize::bytes(40)));
    EXPECT_FALSE(budget.allows(at_ms(1'000'000), DataSize::bytes(40)));
}

TEST(AlrDetector, SaysSinceWhenTooLittleIsSent) {
    AlrDetector detector(DataRate::kbps(1000));
    int ms = 0;
    const auto send = [&](int packets, int bytes) {
        for (int i = 0; i < packets; ++i) {
            detector.on_sent(at_ms(ms += 10), DataSize::bytes(bytes));
        }
    };
    send(200, 1250);
    EXPECT_FALSE(detector.since());
    send(200, 250);
    ASSERT_TRUE(detector.since());
    EXPECT_GT(*detector.since(), at_ms(2000));
    send(200, 1250);
    EXPECT_FALSE(detector.since());
    // Nothing is sent at all.
    detector.update(at_ms(ms + 2000));
    EXPECT_TRUE(detector.since());
}

}  // namespace
}  // namespace isthmus::media::congestion
