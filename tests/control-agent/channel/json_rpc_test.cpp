#include "control-agent/channel/json_rpc.h"

#include <string>

#include <gtest/gtest.h>

namespace isthmus::channel {
namespace {

namespace json = boost::json;

RpcFault fault_of(std::string_view text) {
    const auto message = parse_rpc(text);
    EXPECT_FALSE(message.has_value()) << text;
    return message ? RpcFault::kTooLong : message.error();
}

TEST(JsonRpc, ReadsTheRequestsThatItWrites) {
    const auto call = parse_rpc(write_rpc_call(7, "heartbeat", {{"state", "ok"}}));
    ASSERT_TRUE(call.has_value());
    const auto& request = std::get<RpcRequest>(*call);
    EXPECT_EQ(request.id, RpcId(std::int64_t{7}));
    EXPECT_EQ(request.method, "heartbeat");
    EXPECT_EQ(request.params.at("state"), json::value("ok"));
    EXPECT_EQ(write_rpc(*call), write_rpc_call(7, "heartbeat", {{"state", "ok"}}));

    const auto told = parse_rpc(write_rpc_notification("log", {}));
    EXPECT_FALSE(std::get<RpcRequest>(*told).id.has_value());
    EXPECT_TRUE(std::get<RpcRequest>(*told).params.is_null());
}

TEST(JsonRpc, ReadsTheResponsesThatItWrites) {
    const auto good = parse_rpc(write_rpc_result("abc", {{"acknowledged", 5}}));
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(std::get<RpcResponse>(*good).result->at("acknowledged"), json::value(5));

    const auto bad = parse_rpc(
        write_rpc_error(RpcId("abc"), {.code = kRpcDenied, .message = "no", .data = {1, 2}}));
    ASSERT_TRUE(bad.has_value());
    const auto& response = std::get<RpcResponse>(*bad);
    EXPECT_EQ(response.result.error().code, kRpcDenied);
    EXPECT_EQ(response.result.error().message, "no");
    EXPECT_EQ(write_rpc(*bad),
              write_rpc_error(RpcId("abc"), {.code = kRpcDenied, .message = "no", .data = {1, 2}}));
}

TEST(JsonRpc, RefusesWhatIsNoMessage) {
    EXPECT_EQ(fault_of("{"), RpcFault::kNotJson);
    EXPECT_EQ(fault_of(R"([{"jsonrpc":"2.0","method":"a"}])"), RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"method":"a","id":1})"), RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":1})"), RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"a","id":{}})"), RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"a","params":5})"), RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","id":1})"), RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}})"),
              RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","id":1,"error":{"code":"x","message":""}})"),
              RpcFault::kNotRpc);
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","result":1})"), RpcFault::kNotRpc);
}

TEST(JsonRpc, BoundsLengthAndDepth) {
    EXPECT_EQ(parse_rpc(std::string(100, ' '), {.bytes_max = 99}).error(), RpcFault::kTooLong);
    const std::string deep = std::string(1000, '[') + std::string(1000, ']');
    EXPECT_EQ(fault_of(R"({"jsonrpc":"2.0","method":"a","params":)" + deep + "}"),
              RpcFault::kNotJson);
}

TEST(JsonRpc, SaysWhatWasWrongInItsAnswer) {
    for (const RpcFault fault : {RpcFault::kTooLong, RpcFault::kNotJson, RpcFault::kNotRpc}) {
        const auto answer = parse_rpc(write_rpc_fault(fault));
        ASSERT_TRUE(answer.has_value());
        EXPECT_FALSE(std::get<RpcResponse>(*answer).result.has_value());
    }
}

}  // namespace
}  // namespace isthmus::channel
