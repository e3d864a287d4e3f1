#include "tools/agent/connector_calls.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::agent {
namespace {

using ::testing::ElementsAre;

namespace json = boost::json;

class ConnectorCallsTest : public testing::Test {
  protected:
    void ask(int number) {
        calls_->call(
            "example",
            "state.get",
            json::value{{"n", number}},
            [this, number](const Result<json::value>& answer) {
                answers_.push_back(std::to_string(number) + " " +
                                   (answer ? json::serialize(*answer) : answer.error().message));
                if (!answer) {
                    last_code_ = answer.error().code;
                }
            });
    }

    void reply(std::size_t which, std::expected<json::value, channel::RpcError> with) {
        std::exchange(replies_.at(which), nullptr)(std::move(with));
    }

    static std::unexpected<channel::RpcError> error(int code) {
        return std::unexpected(channel::RpcError{.code = code, .message = "no", .data = nullptr});
    }

    std::vector<std::string> sent_;
    std::vector<ConnectorCalls::Reply> replies_;
    std::vector<std::string> answers_;
    std::optional<ErrorCode> last_code_;
    std::optional<ConnectorCalls> calls_{
        std::in_place,
        [this](const json::value& params, ConnectorCalls::Reply reply) {
            sent_.push_back(json::serialize(params));
            replies_.push_back(std::move(reply));
        },
        [](const std::string& connector) { return "service-of-" + connector; }};
};

TEST_F(ConnectorCallsTest, NamesTheServiceToTheHub) {
    ask(7);
    EXPECT_THAT(
        sent_,
        ElementsAre(
            R"({"service":"service-of-example","connector":"example","method":"state.get","params":{"n":7}})"));
    reply(0, json::value{{"version", 1}});
    EXPECT_THAT(answers_, ElementsAre(R"(7 {"version":1})"));
}

TEST_F(ConnectorCallsTest, SendsAFewAtATimeInTheirOrder) {
    for (int i = 0; i < 6; ++i) {
        ask(i);
    }
    EXPECT_EQ(sent_.size(), kConnectorCallsMax);
    reply(2, json::value("c"));
    EXPECT_EQ(sent_.size(), 5U);
    EXPECT_THAT(sent_.back(), ::testing::HasSubstr(R"("n":4)"));
    reply(0, json::value("a"));
    reply(1, json::value("b"));
    EXPECT_EQ(sent_.size(), 6U);
    EXPECT_THAT(answers_, ElementsAre(R"(2 "c")", R"(0 "a")", R"(1 "b")"));
}

TEST_F(ConnectorCallsTest, SaysWhatKindOfErrorTheHubGave) {
    const std::vector<std::pair<int, ErrorCode>> kinds = {
        {channel::kRpcDenied, ErrorCode::kPermissionDenied},
        {channel::kRpcUnavailable, ErrorCode::kUnavailable},
        {channel::kRpcLimit, ErrorCode::kLimitExceeded},
        {channel::kRpcMethodNotFound, ErrorCode::kInvalidArgument},
        {-1, ErrorCode::kInternal}};
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        ask(0);
        reply(i, error(kinds[i].first));
        EXPECT_EQ(last_code_, kinds[i].second);
    }
}

TEST_F(ConnectorCallsTest, MayEndWhileAHubIsAsked) {
    ask(1);
    calls_.reset();
    reply(0, json::value(nullptr));
    EXPECT_TRUE(answers_.empty());
}

}  // namespace
}  // namespace isthmus::agent
