#include "control-agent/connectors/connector_session.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/json/object.hpp>
#include <openssl/crypto.h>
#include <spdlog/fmt/fmt.h>

#include "control-agent/channel/json_fields.h"

namespace isthmus::connectors {
namespace {

namespace json = boost::json;

using channel::RpcRequest;
using channel::RpcResponse;

constexpr std::size_t kDetailBytesMax = 1024;
constexpr std::size_t kLogBytesMax = 4096;
constexpr std::size_t kKindBytesMax = 128;

std::optional<ConnectorHealth> health_of(std::string_view text) {
    if (text == "operational") {
        return ConnectorHealth::kOperational;
    }
    if (text == "impaired") {
        return ConnectorHealth::kImpaired;
    }
    return text == "outage" ? std::optional(ConnectorHealth::kOutage) : std::nullopt;
}

// Ends before a character of UTF-8 that would be cut.
std::string shortened(std::string text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        std::size_t size = bytes_max;
        while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) {
            --size;
        }
        text.resize(size);
    }
    return text;
}

// In a time that does not tell how much of it is right.
bool equal_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

ErrorCode code_of(int rpc_code) {
    return rpc_code == channel::kRpcInvalidParams ? ErrorCode::kInvalidArgument
                                                  : ErrorCode::kUnavailable;
}

}  // namespace

std::string_view to_string(ConnectorHealth health) {
    switch (health) {
        case ConnectorHealth::kStarting:
            return "starting";
        case ConnectorHealth::kOperational:
            return "operational";
        case ConnectorHealth::kImpaired:
            return "impaired";
        case ConnectorHealth::kOutage:
            break;
    }
    return "outage";
}

ConnectorSession::ConnectorSession(const ConnectorManifest& manifest,
                                   const ConnectorLimits& limits,
                                   std::string token,
                                   Instant now)
    : manifest_(&manifest),
      limits_(&limits),
      token_(std::move(token)),
      reader_(limits.message_bytes),
      hello_due_(now + limits.hello_time),
      tokens_(limits.messages_burst),
      filled_(now) {}

// ---- coming in ----

void ConnectorSession::handle_bytes(Instant now, std::string_view bytes) {
    if (broken_) {
        return;
    }
    const bool good =
        reader_.add(bytes, [this, now](std::string_view line) { return handle_line(now, line); });
    if (!good && !broken_) {
        violate(fmt::format("a message is longer than {} bytes", limits_->message_bytes));
    }
}

bool ConnectorSession::take(Instant now) {
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    tokens_ =
        std::min<double>(limits_->messages_burst, tokens_ + seconds * limits_->messages_per_s);
    filled_ = now;
    tokens_ -= 1;
    return tokens_ >= 0;
}

bool ConnectorSession::handle_line(Instant now, std::string_view line) {
    if (!take(now)) {
        violate(fmt::format("it sends more than {} messages a second", limits_->messages_per_s));
        return false;
    }
    const auto message = channel::parse_rpc(line, {.bytes_max = limits_->message_bytes});
    if (!message) {
        output_.push_back(channel::write_rpc_fault(message.error()) + "\n");
        violate("it sends what is no JSON-RPC");
        return false;
    }
    if (const auto* const request = std::get_if<RpcRequest>(&*message)) {
        handle(now, *request);
    } else {
        handle(std::get<RpcResponse>(*message));
    }
    return !broken_;
}

void ConnectorSession::handle(Instant now, const RpcRequest& request) {
    if (!ready_) {
        hello(now, request);
    } else if (request.method == "status") {
        tell_health(request.params);
        answer(request, json::object());
    } else if (request.method == "event") {
        tell_event(request);
    } else if (request.method == "hub.call") {
        call_hub(request);
    } else if (request.method == "log") {
        tell_log(request);
    } else {
        refuse(request, channel::kRpcMethodNotFound, "there is no such method");
    }
}

void ConnectorSession::hello(Instant now, const RpcRequest& request) {
    const auto token = channel::text_field(request.params, "token");
    if (request.method != "hello" || !request.id) {
        violate("its first message was no request \"hello\"");
    } else if (!token || !equal_secret(*token, token_)) {
        violate("its token is not the one that it was started with");
    } else if (channel::text_field(request.params, "name") != manifest_->name ||
               channel::text_field(request.params, "version") != manifest_->version) {
        violate("it has another name or version than its manifest says");
    } else if (channel::integer_field(request.params, "contract") != kContractVersion) {
        violate(fmt::format("it speaks another version of the contract than {}", kContractVersion));
    }
    if (broken_) {
        return;
    }
    token_.clear();
    ready_ = true;
    hello_due_ = kNever;
    look_due_ = now + limits_->between_looks;
    answer(request, json::object{{"contract", kContractVersion}});
    events_.emplace_back(ConnectorReady());
}

void ConnectorSession::tell_health(const json::value& params) {
    const auto health = health_of(channel::text_field(params, "health").value_or(""));
    if (!health) {
        ++refused_;
        return;
    }
    events_.emplace_back(HealthTold{
        .health = *health,
        .detail = shortened(channel::text_field(params, "detail").value_or(""), kDetailBytesMax)});
}

void ConnectorSession::tell_event(const RpcRequest& request) {
    const auto kind = channel::text_field(request.params, "kind");
    if (!kind || kind->empty() || kind->size() > kKindBytesMax) {
        refuse(request, channel::kRpcInvalidParams, "an event needs a kind");
        return;
    }
    if (!manifest_->may_emit(*kind)) {
        deny(request, fmt::format("its manifest does not let it emit events \"{}\"", *kind));
        return;
    }
    const json::value* const body = channel::find_field(request.params, "body");
    events_.emplace_back(EventTold{.kind = *kind, .body = body == nullptr ? json::value() : *body});
    answer(request, json::object());
}

void ConnectorSession::call_hub(const RpcRequest& request) {
    const auto method = channel::text_field(request.params, "method");
    if (!method || !request.id) {
        refuse(request, channel::kRpcInvalidParams, "a call to the hub needs an id and a method");
        return;
    }
    if (!manifest_->may_call(*method)) {
        deny(request, fmt::format("its manifest does not let it call \"{}\" of the hub", *method));
        return;
    }
    if (hub_calls_.size() >= limits_->calls_open) {
        refuse(request,
               channel::kRpcLimit,
               fmt::format("at most {} calls at a time", limits_->calls_open));
        return;
    }
    const std::uint64_t number = next_hub_call_++;
    hub_calls_.emplace(number, *request.id);
    const json::value* const params = channel::find_field(request.params, "params");
    events_.emplace_back(HubCallAsked{
        .call = number, .method = *method, .params = params == nullptr ? json::value() : *params});
}

void ConnectorSession::tell_log(const RpcRequest& request) {
    const auto message = channel::text_field(request.params, "message");
    if (!message) {
        refuse(request, channel::kRpcInvalidParams, "a log line needs a message");
        return;
    }
    events_.emplace_back(LogTold{
        .level = shortened(channel::text_field(request.params, "level").value_or("info"), 8),
        .message = shortened(*message, kLogBytesMax)});
    answer(request, json::object());
}

void ConnectorSession::handle(const RpcResponse& response) {
    const auto* const id = response.id ? std::get_if<std::int64_t>(&*response.id) : nullptr;
    const auto found = id == nullptr ? open_.end() : open_.find(*id);
    if (!ready_ || found == open_.end()) {
        ++refused_;
        return;
    }
    const OpenCall call = found->second;
    open_.erase(found);
    if (call.is_status) {
        if (response.result) {
            tell_health(*response.result);
        }
        return;
    }
    Result<void> result;
    if (!response.result) {
        result = make_error(code_of(response.result.error().code),
                            shortened(response.result.error().message, kDetailBytesMax));
    }
    events_.emplace_back(
        ConfigurationAnswered{.version = call.version, .result = std::move(result)});
}

// ---- going out ----

void ConnectorSession::answer(const RpcRequest& request, const json::value& result) {
    if (request.id) {
        output_.push_back(channel::write_rpc_result(*request.id, result) + "\n");
    }
}

void ConnectorSession::refuse(const RpcRequest& request, int code, std::string sentence) {
    ++refused_;
    if (request.id) {
        output_.push_back(
            channel::write_rpc_error(
                request.id, {.code = code, .message = std::move(sentence), .data = nullptr}) +
            "\n");
    }
}

void ConnectorSession::deny(const RpcRequest& request, std::string sentence) {
    refuse(request, channel::kRpcDenied, sentence);
    events_.emplace_back(RequestDenied{.sentence = std::move(sentence)});
}

void ConnectorSession::violate(std::string sentence) {
    broken_ = true;
    events_.emplace_back(Violation{.sentence = std::move(sentence)});
}

std::int64_t ConnectorSession::call(Instant now,
                                    std::string_view method,
                                    const json::value& params) {
    const std::int64_t id = next_id_++;
    open_.emplace(
        id, OpenCall{.is_status = false, .version = 0, .deadline = now + limits_->answer_time});
    output_.push_back(channel::write_rpc_call(id, method, params) + "\n");
    return id;
}

void ConnectorSession::configure(Instant now,
                                 std::uint64_t version,
                                 const json::value& configuration) {
    const std::int64_t id = call(
        now, "configure", json::object{{"version", version}, {"configuration", configuration}});
    open_.at(id).version = version;
}

void ConnectorSession::answer_hub_call(std::uint64_t number, Result<json::value> result) {
    const auto found = hub_calls_.find(number);
    if (found == hub_calls_.end()) {
        return;
    }
    const channel::RpcId id = found->second;
    hub_calls_.erase(found);
    output_.push_back(
        (result ? channel::write_rpc_result(id, *result)
                : channel::write_rpc_error(id,
                                           {.code = channel::rpc_code_of(result.error().code),
                                            .message = result.error().message,
                                            .data = nullptr})) +
        "\n");
}

// ---- time ----

Instant ConnectorSession::next_timeout() const {
    if (broken_) {
        return kNever;
    }
    Instant next = std::min(hello_due_, look_due_);
    for (const auto& [id, call] : open_) {
        next = std::min(next, call.deadline);
    }
    return next;
}

void ConnectorSession::on_timeout(Instant now) {
    if (broken_) {
        return;
    }
    if (hello_due_ <= now) {
        violate("it connected and did not say who it is");
        return;
    }
    for (const auto& [id, call] : open_) {
        if (call.deadline <= now) {
            violate(
                fmt::format("it does not answer \"{}\"", call.is_status ? "status" : "configure"));
            return;
        }
    }
    if (look_due_ <= now) {
        look_due_ = now + limits_->between_looks;
        open_.at(call(now, "status", json::object())).is_status = true;
    }
}

std::optional<std::string> ConnectorSession::poll_output() {
    if (output_.empty()) {
        return std::nullopt;
    }
    std::string line = std::move(output_.front());
    output_.pop_front();
    return line;
}

std::optional<SessionEvent> ConnectorSession::poll_event() {
    if (events_.empty()) {
        return std::nullopt;
    }
    SessionEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace isthmus::connectors
