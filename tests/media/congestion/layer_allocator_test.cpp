#include "media/congestion/layer_allocator.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::congestion {
namespace {

using rtp::at_ms;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::vector<LayerOption>& simulcast_layers() {
    static const std::vector<LayerOption> kLayers = {
        {.spatial = 0, .rate = DataRate::kbps(150)},
        {.spatial = 1, .rate = DataRate::kbps(500)},
        {.spatial = 2, .rate = DataRate::kbps(1500)},
    };
    return kLayers;
}

const std::vector<LayerOption>& audio_layers() {
    static const std::vector<LayerOption> kLayers = {{.rate = DataRate::kbps(50)}};
    return kLayers;
}

LayerRequest camera(std::uint8_t priority = 0) {
    return {.priority = priority, .layers = simulcast_layers()};
}

// Runs an allocator over time; what was chosen is current the next time.
struct Receiver {
    LayerAllocator allocator;
    std::vector<LayerRequest> requests;
    Allocation allocation;
    Instant now = at_ms(1000);

    std::vector<int> allocate(std::int64_t kbps) {
        allocation = allocator.allocate(now, DataRate::kbps(kbps), requests);
        std::vector<int> chosen;
        for (LayerRequest& request : requests) {
            request.current = request.chosen;
            chosen.push_back(request.chosen == kNoLayer ? -1 : request.chosen);
        }
        return chosen;
    }

    std::vector<int> after(Duration time, std::int64_t kbps) {
        now += time;
        return allocate(kbps);
    }
};

using Chosen = std::vector<int>;

TEST(LayerAllocator, TakesTheBestThatFits) {
    for (const auto& [kbps, layer] : {std::pair{100, 0}, {300, 0}, {524, 0}, {526, 1}, {1576, 2}}) {
        Receiver receiver{.requests = {camera()}};
        EXPECT_EQ(receiver.allocate(kbps), Chosen{layer}) << kbps;
    }
}

TEST(LayerAllocator, GivesAllTheirLowestBeforeAnyASecond) {
    Receiver receiver{.requests = {camera(), camera(), camera()}};
    EXPECT_EQ(receiver.allocate(500), (Chosen{0, 0, 0}));
    EXPECT_EQ(receiver.allocation.used, DataRate::kbps(450));
    EXPECT_EQ(receiver.allocation.unallocated, DataRate::kbps(50));
    Receiver richer{.requests = {camera(), camera(), camera()}};
    EXPECT_EQ(richer.allocate(1300), (Chosen{1, 1, 0}));
    Receiver rich{.requests = {camera(), camera(), camera()}};
    EXPECT_EQ(rich.allocate(2700), (Chosen{2, 1, 1}));
}

TEST(LayerAllocator, RaisesByPriorityAndScreensFirst) {
    LayerRequest screen = camera();
    screen.kind = MediaKind::kScreenShare;
    Receiver receiver{.requests = {camera(1), camera(5), screen}};
    EXPECT_EQ(receiver.allocate(1000), (Chosen{0, 0, 1}));
    Receiver richer{.requests = {camera(1), camera(5), screen}};
    EXPECT_EQ(richer.allocate(2300), (Chosen{0, 1, 2}));
}

TEST(LayerAllocator, NeverStarvesAudio) {
    const LayerRequest audio = {.kind = MediaKind::kAudio, .layers = audio_layers()};
    Receiver receiver{.requests = {camera(), audio, audio, camera()}};
    EXPECT_EQ(receiver.allocate(10), (Chosen{0, 0, 0, -1})) << "and something is shown";
    EXPECT_EQ(receiver.allocation.unallocated, DataRate());
    Receiver more{.requests = {camera(), audio, audio, camera()}};
    EXPECT_EQ(more.allocate(420), (Chosen{0, 0, 0, 0}));
}

TEST(LayerAllocator, KeepsToWishesAndPauses) {
    LayerRequest small = camera();
    small.wish = 1;
    LayerRequest paused = camera();
    paused.paused = true;
    LayerRequest unknown;
    Receiver receiver{.requests = {small, paused, unknown, camera()}};
    EXPECT_EQ(receiver.allocate(100'000), (Chosen{1, -1, -1, 2}));
    EXPECT_EQ(receiver.allocation.wanted.next, DataRate()) << "nothing better is wanted";
    EXPECT_EQ(receiver.allocation.wanted.most, DataRate::kbps(2100));
    // A pause ends at once.
    receiver.requests[1].paused = false;
    EXPECT_EQ(receiver.after(milliseconds(100), 100'000)[1], 2);
}

TEST(LayerAllocator, SaysWhatTheNextBetterSetNeeds) {
    Receiver receiver{.requests = {camera(), camera()}};
    EXPECT_EQ(receiver.allocate(1000), (Chosen{1, 0}));
    // 500 and 500, a twentieth more.
    EXPECT_EQ(receiver.allocation.wanted.next, DataRate::kbps(1050));
    EXPECT_EQ(receiver.after(seconds(2), 1050), (Chosen{1, 1}));
}

TEST(LayerAllocator, KeepsALayerOverOneCutOfTheTarget) {
    Receiver receiver{.requests = {camera()}};
    EXPECT_EQ(receiver.allocate(1600), Chosen{2});
    EXPECT_EQ(receiver.after(milliseconds(100), 1275), Chosen{2});
    EXPECT_EQ(receiver.after(milliseconds(100), 1199), Chosen{1});
}

TEST(LayerAllocator, DoesNotFlap) {
    Receiver receiver{.requests = {camera()}};
    receiver.allocate(1600);
    int switches = 0;
    int before = 2;
    // A target that swings around what the best layer takes, for five minutes.
    for (int i = 0; i < 3000; ++i) {
        const int layer = receiver.after(milliseconds(100), i / 5 % 2 == 0 ? 1100 : 1700)[0];
        switches += layer != before ? 1 : 0;
        before = layer;
    }
    EXPECT_LT(switches, 45);
    EXPECT_GT(switches, 2);
}

TEST(LayerAllocator, WaitsLongerAfterAStepUpThatDidNotLast) {
    Receiver receiver{.requests = {camera()}};
    receiver.allocate(1600);
    std::vector<double> waited;
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(receiver.after(seconds(1), 600), Chosen{1});
        const Instant dropped = receiver.now;
        while (receiver.after(milliseconds(100), 1700) != Chosen{2}) {
            EXPECT_GT(receiver.allocator.next_timeout(), receiver.now);
        }
        waited.push_back(std::chrono::duration<double>(receiver.now - dropped).count());
    }
    EXPECT_GE(waited[0], 2);
    EXPECT_GT(waited[1], 1.5 * waited[0]);
    EXPECT_LE(waited[2], 20);
    // One that stood for long is forgotten.
    EXPECT_EQ(receiver.after(seconds(60), 1700), Chosen{2});
    EXPECT_EQ(receiver.after(seconds(1), 600), Chosen{1});
    const Instant dropped = receiver.now;
    while (receiver.after(milliseconds(100), 1700) != Chosen{2}) {
    }
    EXPECT_NEAR(std::chrono::duration<double>(receiver.now - dropped).count(), waited[0], 0.3);
}

TEST(LayerAllocator, StopsTheLeastFirstAndBringsItBack) {
    Receiver receiver{.requests = {camera(2), camera(1)}};
    EXPECT_EQ(receiver.allocate(400), (Chosen{0, 0}));
    EXPECT_EQ(receiver.after(seconds(1), 240), (Chosen{0, 0})) << "the lowest are kept for long";
    EXPECT_EQ(receiver.after(seconds(1), 200), (Chosen{0, -1}));
    EXPECT_EQ(receiver.after(milliseconds(500), 400), (Chosen{0, -1}));
    EXPECT_EQ(receiver.after(seconds(2), 400), (Chosen{0, 0}));
}

// A newcomer does not take the place of one that is shown.
TEST(LayerAllocator, LetsThoseThatAreSentKeepTheirPlace) {
    Receiver receiver{.requests = {camera(), camera()}};
    receiver.requests[0].paused = true;
    EXPECT_EQ(receiver.allocate(800), (Chosen{-1, 1}));
    receiver.requests[0].paused = false;
    EXPECT_EQ(receiver.after(seconds(5), 800), (Chosen{0, 1}));
}

// Rates are measured, and for a moment a better layer may take less than the one below.
TEST(LayerAllocator, StandsRatesThatAreOutOfOrder) {
    const std::array layers = {LayerOption{.rate = DataRate::kbps(300)},
                               LayerOption{.rate = DataRate::kbps(900)},
                               LayerOption{.rate = DataRate::kbps(200)}};
    Receiver receiver{.requests = {{.layers = layers}}};
    EXPECT_EQ(receiver.allocate(400), Chosen{2});
    const std::array idle = {LayerOption{}, LayerOption{}};
    Receiver silent{.requests = {{.layers = idle}}};
    EXPECT_EQ(silent.allocate(400), Chosen{1});
}

TEST(LayerAllocator, FitsAtRandomAndIsTheSameEachTime) {
    SeededRandom random(9);
    for (int round = 0; round < 300; ++round) {
        Receiver receiver;
        for (unsigned i = 1 + random.next_u32() % 12; i > 0; --i) {
            LayerRequest request = camera(static_cast<std::uint8_t>(random.next_u32() % 3));
            request.kind =
                random.next_u32() % 5 == 0 ? MediaKind::kScreenShare : MediaKind::kCamera;
            request.wish = static_cast<LayerIndex>(random.next_u32() % 4);
            receiver.requests.push_back(request);
        }
        Receiver again = receiver;
        for (int step = 0; step < 20; ++step) {
            const std::int64_t kbps = 50 + random.next_u32() % 8000;
            const Chosen chosen = receiver.after(milliseconds(700), kbps);
            ASSERT_EQ(chosen, again.after(milliseconds(700), kbps));
            // The first lowest layer is sent in any case; sent layers may exceed the target.
            ASSERT_LE(receiver.allocation.used,
                      DataRate::kbps(kbps) * (1 / 0.75) + DataRate::kbps(150));
            for (std::size_t i = 0; i < chosen.size(); ++i) {
                ASSERT_LE(chosen[i], std::min<int>(receiver.requests[i].wish, 2));
            }
        }
    }
}

}  // namespace
}  // namespace isthmus::media::congestion
