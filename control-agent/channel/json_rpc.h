// JSON-RPC 2.0: text to messages and back. Used on the channel and on the connectors' socket.
//
// Leaves out batches, which nobody here sends. Specification: jsonrpc.org/specification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/value.hpp>

#include "base/error.h"

namespace isthmus::channel {

// Ids are integers or strings; we make integers.
using RpcId = std::variant<std::int64_t, std::string>;

struct RpcRequest {
    std::optional<RpcId> id;  // none: a notification, which is not answered
    std::string method;
    boost::json::value params;  // object, array or null
};

struct RpcError {
    int code = 0;
    std::string message;
    boost::json::value data;
};

struct RpcResponse {
    std::optional<RpcId> id;  // none where the other side could not read ours
    std::expected<boost::json::value, RpcError> result;
};

using RpcMessage = std::variant<RpcRequest, RpcResponse>;

// Section 5.1.
inline constexpr int kRpcParseError = -32700;
inline constexpr int kRpcInvalidRequest = -32600;
inline constexpr int kRpcMethodNotFound = -32601;
inline constexpr int kRpcInvalidParams = -32602;
inline constexpr int kRpcInternalError = -32603;
// Ours, of the range that the specification leaves to implementations.
inline constexpr int kRpcDenied = -32001;
inline constexpr int kRpcUnavailable = -32002;
inline constexpr int kRpcLimit = -32003;

// What the other side is told of an error of ours.
[[nodiscard]] int rpc_code_of(ErrorCode code);

struct RpcLimits {
    std::size_t bytes_max = 1024UL * 1024;
    std::size_t depth_max = 32;
};

inline constexpr std::size_t kRpcMethodBytesMax = 128;
inline constexpr std::size_t kRpcIdBytesMax = 128;

enum class RpcFault : std::uint8_t { kTooLong, kNotJson, kNotRpc };

[[nodiscard]] std::expected<RpcMessage, RpcFault> parse_rpc(std::string_view text,
                                                            const RpcLimits& limits = {});

// What to answer to text that was no message.
[[nodiscard]] std::string write_rpc_fault(RpcFault fault);

[[nodiscard]] std::string write_rpc(const RpcMessage& message);
[[nodiscard]] std::string write_rpc_call(std::int64_t id,
                                         std::string_view method,
                                         const boost::json::value& params);
[[nodiscard]] std::string write_rpc_notification(std::string_view method,
                                                 const boost::json::value& params);
[[nodiscard]] std::string write_rpc_result(const RpcId& id, const boost::json::value& result);
[[nodiscard]] std::string write_rpc_error(const std::optional<RpcId>& id, const RpcError& error);

}  // namespace isthmus::channel
