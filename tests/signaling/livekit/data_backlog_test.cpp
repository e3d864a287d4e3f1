#include "signaling/livekit/data_backlog.h"

#include <gtest/gtest.h>

namespace isthmus::signaling::livekit {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart = Instant(std::chrono::hours(1));

RoutedData message(std::size_t bytes) {
    return {.bytes = std::make_shared<std::vector<std::byte>>(bytes),
            .reliable = true,
            .identities = {},
            .sids = {}};
}

std::vector<std::string> replayed(DataBacklog& backlog, Instant now, Instant since) {
    std::vector<std::string> senders;
    backlog.replay(
        now, since, [&](const std::string& sid, const RoutedData&) { senders.push_back(sid); });
    return senders;
}

TEST(DataBacklog, GivesWhatCameSinceSomebodyJoined) {
    DataBacklog backlog;
    backlog.add(kStart, "PA_1", message(10));
    backlog.add(kStart + milliseconds(500), "PA_2", message(10));
    backlog.add(kStart + milliseconds(900), "PA_3", message(10));
    EXPECT_EQ(replayed(backlog, kStart + milliseconds(1000), kStart + milliseconds(500)),
              (std::vector<std::string>{"PA_2", "PA_3"}));
}

TEST(DataBacklog, ForgetsWhatIsOldOrTooMuch) {
    DataBacklog backlog;
    backlog.add(kStart, "PA_1", message(10));
    backlog.add(kStart + milliseconds(1500), "PA_2", message(10));
    EXPECT_EQ(replayed(backlog, kStart + milliseconds(2500), kStart),
              (std::vector<std::string>{"PA_2"}));
    EXPECT_EQ(backlog.bytes(), 10U);
    for (int i = 0; i < 40; ++i) {
        backlog.add(kStart + milliseconds(2500), "PA_3", message(64 * 1024));
        EXPECT_LE(backlog.bytes(), DataBacklog::kBytesMax);
    }
    EXPECT_EQ(replayed(backlog, kStart + milliseconds(2500), kStart).size(), 16U);
}

}  // namespace
}  // namespace isthmus::signaling::livekit
