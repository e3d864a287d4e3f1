// Tells other servers what happens: signed JSON by POST to each configured URL, in order, tried
// again until it is taken.
//
// On the signaling thread. Signed as LiveKit's server SDKs expect: an access token in
// Authorization, without "Bearer", whose claim sha256 is that of the body.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http/client.h"
#include "base/http/retry_queue.h"

namespace isthmus::signaling::access {

struct WebhookConfig {
    std::vector<std::string> urls;
    std::string key;  // name of the API key
    std::string secret;
    http::RetryPolicy retry;
    http::ClientConfig client;
};

class WebhookSender {
  public:
    // kInvalidArgument where a URL is none.
    [[nodiscard]] static Result<std::unique_ptr<WebhookSender>> make(
        boost::asio::io_context& io,
        const WebhookConfig& config,
        std::function<std::int64_t()> now_unix_s);
    ~WebhookSender();  // what waits is lost
    WebhookSender(const WebhookSender&) = delete;
    WebhookSender& operator=(const WebhookSender&) = delete;

    // To every URL.
    void send(const std::string& body_json);

    // Of all URLs together.
    [[nodiscard]] http::RetryCounters counters() const;

  private:
    struct State;
    explicit WebhookSender(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::signaling::access
