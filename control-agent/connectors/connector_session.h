// One connector's connection: what it may say, and what becomes of it. docs/connectors.md is the
// contract.
//
// Driven by ConnectorHost: bytes in, time; after each, drain poll_output() and poll_event(). After
// a Violation nothing more is read, and the connection is to be closed. Sans-I/O; no memory without
// a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/time.h"
#include "control-agent/channel/json_rpc.h"
#include "control-agent/connectors/line_reader.h"
#include "control-agent/connectors/manifest.h"

namespace isthmus::connectors {

struct ConnectorLimits {
    std::size_t message_bytes = 256UL * 1024;
    std::uint32_t messages_per_s = 100;
    std::uint32_t messages_burst = 200;
    std::size_t unsent_bytes = 1024UL * 1024;           // of what it does not read
    std::size_t calls_open = 32;                        // to the hub, at a time
    Duration hello_time = std::chrono::seconds(10);     // from connecting to its first message
    Duration connect_time = std::chrono::seconds(30);   // from its start to that
    Duration answer_time = std::chrono::seconds(30);    // to configure and status
    Duration between_looks = std::chrono::seconds(30);  // how often it is asked for its status
};

enum class ConnectorHealth : std::uint8_t {
    kStarting,  // it has not taken its configuration yet
    kOperational,
    kImpaired,  // says that something it depends on is in trouble
    kOutage,    // says that it does nothing, or does not run
};

[[nodiscard]] std::string_view to_string(ConnectorHealth health);

// ---- what a session tells its host ----

// The connector said who it is, and is.
struct ConnectorReady {};

struct HealthTold {
    ConnectorHealth health = ConnectorHealth::kOperational;
    std::string detail;
};

struct EventTold {
    std::string kind;
    boost::json::value body;
};

// To be answered with answer_hub_call().
struct HubCallAsked {
    std::uint64_t call = 0;
    std::string method;
    boost::json::value params;
};

struct LogTold {
    std::string level;  // "debug", "info", "warning", "error"
    std::string message;
};

struct ConfigurationAnswered {
    std::uint64_t version = 0;
    Result<void> result;
};

// It asked for what it has no permission for, and was told so.
struct RequestDenied {
    std::string sentence;
};

// It broke the contract.
struct Violation {
    std::string sentence;
};

using SessionEvent = std::variant<ConnectorReady,
                                  HealthTold,
                                  EventTold,
                                  HubCallAsked,
                                  LogTold,
                                  ConfigurationAnswered,
                                  RequestDenied,
                                  Violation>;

class ConnectorSession {
  public:
    // Its first message must carry `token`. All outlive it.
    ConnectorSession(const ConnectorManifest& manifest,
                     const ConnectorLimits& limits,
                     std::string token,
                     Instant now);

    void handle_bytes(Instant now, std::string_view bytes);
    void on_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    // Once it is ready. The answer comes as ConfigurationAnswered.
    void configure(Instant now, std::uint64_t version, const boost::json::value& configuration);
    void answer_hub_call(std::uint64_t call, Result<boost::json::value> result);

    // One line, to be sent as it is.
    [[nodiscard]] std::optional<std::string> poll_output();
    [[nodiscard]] std::optional<SessionEvent> poll_event();

    [[nodiscard]] bool is_ready() const { return ready_; }

    // Requests without permission, and messages that were not understood.
    [[nodiscard]] std::uint64_t refused() const { return refused_; }

  private:
    struct OpenCall {
        bool is_status = false;
        std::uint64_t version = 0;
        Instant deadline;
    };

    [[nodiscard]] bool take(Instant now);
    [[nodiscard]] bool handle_line(Instant now, std::string_view line);
    void handle(Instant now, const channel::RpcRequest& request);
    void handle(const channel::RpcResponse& response);
    void hello(Instant now, const channel::RpcRequest& request);
    void tell_health(const boost::json::value& params);
    void tell_event(const channel::RpcRequest& request);
    void call_hub(const channel::RpcRequest& request);
    void tell_log(const channel::RpcRequest& request);

    void answer(const channel::RpcRequest& request, const boost::json::value& result);
    void refuse(const channel::RpcRequest& request, int code, std::string sentence);
    void deny(const channel::RpcRequest& request, std::string sentence);
    void violate(std::string sentence);
    std::int64_t call(Instant now, std::string_view method, const boost::json::value& params);

    const ConnectorManifest* manifest_;
    const ConnectorLimits* limits_;
    std::string token_;
    LineReader reader_;
    bool ready_ = false;
    bool broken_ = false;
    Instant hello_due_;
    Instant look_due_ = kNever;
    double tokens_;
    Instant filled_;
    std::int64_t next_id_ = 1;
    std::map<std::int64_t, OpenCall> open_;              // ours
    std::map<std::uint64_t, channel::RpcId> hub_calls_;  // its, by our number
    std::uint64_t next_hub_call_ = 1;
    std::uint64_t refused_ = 0;
    std::deque<std::string> output_;
    std::deque<SessionEvent> events_;
};

}  // namespace isthmus::connectors
