#include "tools/agent/event_pusher.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace isthmus::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace json = boost::json;

constexpr std::int64_t kNow = 1'800'000'000'000;

// What a hub does: keeps each (epoch, sequence) once.
struct ScriptedHub {
    std::vector<std::string> kept;
    std::map<std::int64_t, std::int64_t> last;  // of an epoch
    std::string refused_kind;

    std::expected<json::value, channel::RpcError> push(const json::value& params) {
        std::int64_t& known = last[params.at("epoch").to_number<std::int64_t>()];
        for (const json::value& entry : params.at("entries").as_array()) {
            if (entry.at("kind").as_string() == refused_kind) {
                return std::unexpected(channel::RpcError{
                    .code = channel::kRpcInvalidParams, .message = "no", .data = nullptr});
            }
        }
        for (const json::value& entry : params.at("entries").as_array()) {
            const auto sequence = entry.at("sequence").to_number<std::int64_t>();
            if (sequence > known) {
                known = sequence;
                kept.emplace_back(entry.at("body").as_object().at("t").as_string());
            }
        }
        return json::object{{"acknowledged", known}};
    }
};

class EventPusherTest : public testing::Test {
  protected:
    void append(const std::string& text, const std::string& kind = "usage") {
        ASSERT_TRUE(outbox_.append(kNow, kind, R"({"t":")" + text + R"("})"));
    }

    void append_many(int count) {
        for (int i = 0; i < count; ++i) {
            append(std::to_string(i));
        }
    }

    // Lets the hub have what is under way; where `lost`, its answer does not come back.
    bool deliver(bool lost = false) {
        if (!answer_) {
            return false;
        }
        auto answer = std::exchange(answer_, nullptr);
        auto result = hub_.push(params_);
        if (lost) {
            answer(std::unexpected(channel::RpcError{
                .code = channel::kRpcUnavailable, .message = "", .data = nullptr}));
        } else {
            answer(std::move(result));
        }
        return true;
    }

    TemporaryFolder folder_;
    outbox::Outbox outbox_{{.path = folder_.path() / "outbox.db"}, kNow};
    ScriptedHub hub_;
    json::value params_;
    EventPusher::Answer answer_;
    int pushes_ = 0;
    EventPusher pusher_{outbox_,
                        [] { return kNow; },
                        [this](const json::value& params, EventPusher::Answer answer) {
                            EXPECT_EQ(answer_, nullptr) << "one at a time";
                            ++pushes_;
                            params_ = params;
                            answer_ = std::move(answer);
                        }};
};

TEST_F(EventPusherTest, BringsEverythingInOrder) {
    append_many(450);
    pusher_.pump();
    EXPECT_EQ(answer_, nullptr) << "the channel is down";
    pusher_.on_up();
    while (deliver()) {
    }
    EXPECT_THAT(hub_.kept, SizeIs(450));
    EXPECT_EQ(hub_.kept[449], "449");
    EXPECT_EQ(pushes_, 3);
    EXPECT_EQ(outbox_.state().entries, 0U);
    append("new");
    pusher_.pump();
    EXPECT_TRUE(deliver());
    EXPECT_EQ(hub_.kept.back(), "new");
}

// The hub has committed, and its answer is lost: sent again, kept once.
TEST_F(EventPusherTest, LosesAndDoublesNothingWhenTheChannelBreaks) {
    append_many(10);
    pusher_.on_up();
    deliver(true);
    pusher_.on_down();
    EXPECT_EQ(outbox_.state().entries, 10U);
    append("last");
    pusher_.pump();
    EXPECT_EQ(answer_, nullptr);
    pusher_.on_up();
    while (deliver()) {
    }
    EXPECT_THAT(hub_.kept, SizeIs(11));
    EXPECT_EQ(hub_.kept[10], "last");
    EXPECT_EQ(outbox_.state().entries, 0U);
}

TEST_F(EventPusherTest, GivesUpOnlyWhatTheHubDoesNotTake) {
    append("a");
    append("bad", "bad");
    append("c");
    hub_.refused_kind = "bad";
    pusher_.on_up();
    while (deliver()) {
    }
    EXPECT_THAT(hub_.kept, ElementsAre("a", "c"));
    EXPECT_EQ(pusher_.refused(), 1U);
    EXPECT_EQ(outbox_.state().entries, 0U);
}

TEST_F(EventPusherTest, DoesNotHurryAHubThatAcknowledgesNothing) {
    append("a");
    pusher_.on_up();
    std::exchange(answer_, nullptr)(json::object{{"acknowledged", 0}});
    EXPECT_EQ(answer_, nullptr);
    pusher_.pump();
    std::exchange(answer_, nullptr)(json::object{});
    EXPECT_EQ(answer_, nullptr);
    EXPECT_THAT(hub_.kept, IsEmpty());
    EXPECT_EQ(outbox_.state().entries, 1U);
}

}  // namespace
}  // namespace isthmus::agent
