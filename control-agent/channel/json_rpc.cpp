#include "control-agent/channel/json_rpc.h"

#include <limits>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "control-agent/channel/json_fields.h"

namespace isthmus::channel {
namespace {

namespace json = boost::json;

constexpr std::string_view kVersion = "2.0";
constexpr std::size_t kErrorTextBytesMax = 4096;

json::value id_value(const std::optional<RpcId>& id) {
    if (!id) {
        return nullptr;
    }
    return std::visit([](const auto& one) { return json::value(one); }, *id);
}

// Whether there is an id, and a good one. An id of null is none: section 4 advises against it.
std::expected<std::optional<RpcId>, RpcFault> read_id(const json::value& message) {
    const json::value* id = find_field(message, "id");
    if (id == nullptr || id->is_null()) {
        return std::nullopt;
    }
    if (const auto number = integer_field(message, "id")) {
        return RpcId(*number);
    }
    auto text = text_field(message, "id");
    if (!text || text->size() > kRpcIdBytesMax) {
        return std::unexpected(RpcFault::kNotRpc);
    }
    return RpcId(std::move(*text));
}

std::expected<RpcMessage, RpcFault> read_request(const json::value& message,
                                                 std::optional<RpcId> id) {
    auto method = text_field(message, "method");
    if (!method || method->empty() || method->size() > kRpcMethodBytesMax ||
        find_field(message, "result") != nullptr || find_field(message, "error") != nullptr) {
        return std::unexpected(RpcFault::kNotRpc);
    }
    RpcRequest request{.id = std::move(id), .method = std::move(*method), .params = {}};
    if (const json::value* params = find_field(message, "params")) {
        if (!params->is_structured() && !params->is_null()) {
            return std::unexpected(RpcFault::kNotRpc);
        }
        request.params = *params;
    }
    return request;
}

std::expected<RpcMessage, RpcFault> read_response(const json::value& message,
                                                  std::optional<RpcId> id) {
    const json::value* result = find_field(message, "result");
    const json::value* error = find_field(message, "error");
    if ((result == nullptr) == (error == nullptr)) {
        return std::unexpected(RpcFault::kNotRpc);
    }
    RpcResponse response{.id = std::move(id), .result = {}};
    if (result != nullptr) {
        if (!response.id) {
            return std::unexpected(RpcFault::kNotRpc);
        }
        response.result = *result;
        return response;
    }
    const auto code = integer_field(*error, "code");
    auto text = text_field(*error, "message");
    if (!code || *code < std::numeric_limits<int>::min() ||
        *code > std::numeric_limits<int>::max() || !text || text->size() > kErrorTextBytesMax) {
        return std::unexpected(RpcFault::kNotRpc);
    }
    RpcError out{.code = static_cast<int>(*code), .message = std::move(*text), .data = {}};
    if (const json::value* data = find_field(*error, "data")) {
        out.data = *data;
    }
    response.result = std::unexpected(std::move(out));
    return response;
}

json::object error_object(const RpcError& error) {
    json::object out = {{"code", error.code}, {"message", error.message}};
    if (!error.data.is_null()) {
        out["data"] = error.data;
    }
    return out;
}

json::object call_object(std::string_view method, const json::value& params) {
    json::object out = {{"jsonrpc", kVersion}, {"method", method}};
    if (!params.is_null()) {
        out["params"] = params;
    }
    return out;
}

}  // namespace

int rpc_code_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument:
        case ErrorCode::kNotFound:
            return kRpcInvalidParams;
        case ErrorCode::kPermissionDenied:
        case ErrorCode::kUnauthenticated:
            return kRpcDenied;
        case ErrorCode::kLimitExceeded:
            return kRpcLimit;
        case ErrorCode::kUnavailable:
            return kRpcUnavailable;
        default:
            return kRpcInternalError;
    }
}

std::expected<RpcMessage, RpcFault> parse_rpc(std::string_view text, const RpcLimits& limits) {
    if (text.size() > limits.bytes_max) {
        return std::unexpected(RpcFault::kTooLong);
    }
    const auto message = parse_json(text, limits.bytes_max, limits.depth_max);
    if (!message) {
        return std::unexpected(RpcFault::kNotJson);
    }
    if (text_field(*message, "jsonrpc") != kVersion) {
        return std::unexpected(RpcFault::kNotRpc);
    }
    auto id = read_id(*message);
    if (!id) {
        return std::unexpected(id.error());
    }
    return find_field(*message, "method") != nullptr ? read_request(*message, std::move(*id))
                                                     : read_response(*message, std::move(*id));
}

std::string write_rpc_fault(RpcFault fault) {
    switch (fault) {
        case RpcFault::kTooLong:
            return write_rpc_error(std::nullopt,
                                   {.code = kRpcLimit, .message = "the message is too long"});
        case RpcFault::kNotJson:
            return write_rpc_error(std::nullopt,
                                   {.code = kRpcParseError, .message = "this is not JSON"});
        case RpcFault::kNotRpc:
            break;
    }
    return write_rpc_error(std::nullopt,
                           {.code = kRpcInvalidRequest, .message = "this is not JSON-RPC 2.0"});
}

std::string write_rpc(const RpcMessage& message) {
    if (const auto* request = std::get_if<RpcRequest>(&message)) {
        json::object out = call_object(request->method, request->params);
        if (request->id) {
            out["id"] = id_value(request->id);
        }
        return json::serialize(out);
    }
    const auto& response = std::get<RpcResponse>(message);
    if (response.result) {
        return json::serialize(json::object{
            {"jsonrpc", kVersion}, {"id", id_value(response.id)}, {"result", *response.result}});
    }
    return write_rpc_error(response.id, response.result.error());
}

std::string write_rpc_call(std::int64_t id, std::string_view method, const json::value& params) {
    json::object out = call_object(method, params);
    out["id"] = id;
    return json::serialize(out);
}

std::string write_rpc_notification(std::string_view method, const json::value& params) {
    return json::serialize(call_object(method, params));
}

std::string write_rpc_result(const RpcId& id, const json::value& result) {
    return json::serialize(
        json::object{{"jsonrpc", kVersion}, {"id", id_value(id)}, {"result", result}});
}

std::string write_rpc_error(const std::optional<RpcId>& id, const RpcError& error) {
    return json::serialize(
        json::object{{"jsonrpc", kVersion}, {"id", id_value(id)}, {"error", error_object(error)}});
}

}  // namespace isthmus::channel
