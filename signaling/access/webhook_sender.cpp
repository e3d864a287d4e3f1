#include "signaling/access/webhook_sender.h"

#include <array>
#include <chrono>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/evp.h>

#include "base/log.h"
#include "signaling/access/token.h"

namespace isthmus::signaling::access {
namespace {

// The time that receivers' clocks may differ by, and a try may take.
constexpr std::int64_t kTokenTtlS = 300;

Instant now() {
    return Instant(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

std::string sha256_base64(const std::string& body) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(body.data(), body.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::array<unsigned char, 4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1> text{};
    const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(size));
    return {text.begin(), text.begin() + length};
}

}  // namespace

struct WebhookSender::State {
    // One URL's deliveries.
    struct Receiver {
        Receiver(boost::asio::io_context& io, std::string url_in, const http::RetryPolicy& policy)
            : url(std::move(url_in)), queue(policy), timer(io) {}

        std::string url;
        http::RetryQueue queue;
        boost::asio::steady_timer timer;
    };

    WebhookConfig config;
    std::function<std::int64_t()> now_unix_s;
    std::vector<std::unique_ptr<Receiver>> receivers;
    std::unique_ptr<http::Client> client;  // ends before the receivers, which its answers are for
    // What a timer had begun to call finds it gone where the sender is.
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

    [[nodiscard]] std::string sign(const std::string& body) const {
        const std::int64_t unix_s = now_unix_s();
        const boost::json::object claims{{"iss", config.key},
                                         {"nbf", unix_s},
                                         {"exp", unix_s + kTokenTtlS},
                                         {"sha256", sha256_base64(body)}};
        return sign_claims(boost::json::serialize(claims), config.secret);
    }

    void go_on(Receiver& receiver) {
        const std::string* const body = receiver.queue.poll(now());
        if (body == nullptr) {
            wait(receiver);
            return;
        }
        client->send(
            {.method = "POST",
             .url = receiver.url,
             .headers = {{"Content-Type", "application/webhook+json"},
                         {"Authorization", sign(*body)},
                         {"User-Agent", "Isthmus"}},
             .body = *body},
            [this, &receiver](Result<http::Response> response) { end(receiver, response); });
    }

    void end(Receiver& receiver, const Result<http::Response>& response) {
        const bool delivered = response && response->status >= 200 && response->status < 300;
        const std::uint64_t hopeless = receiver.queue.counters().dropped_hopeless;
        receiver.queue.on_result(now(), delivered);
        if (receiver.queue.counters().dropped_hopeless != hopeless) {
            log::warning("webhook",
                         "{} did not take an event: {}",
                         receiver.url,
                         response ? "it answered " + std::to_string(response->status)
                                  : response.error().message);
        }
        go_on(receiver);
    }

    void wait(Receiver& receiver) {
        const Instant at = receiver.queue.next_timeout();
        if (at == kNever) {
            return;
        }
        receiver.timer.expires_after(at - now());
        receiver.timer.async_wait([this, &receiver, watch = std::weak_ptr(alive)](
                                      const boost::system::error_code& error) {
            if (!error && !watch.expired()) {
                go_on(receiver);
            }
        });
    }
};

Result<std::unique_ptr<WebhookSender>> WebhookSender::make(
    boost::asio::io_context& io,
    const WebhookConfig& config,
    std::function<std::int64_t()> now_unix_s) {
    auto state = std::make_unique<State>();
    state->config = config;
    state->now_unix_s = std::move(now_unix_s);
    auto client = http::Client::make(io, config.client);
    if (!client) {
        return std::unexpected(client.error());
    }
    state->client = std::move(*client);
    for (const std::string& url : config.urls) {
        if (std::string fault = http::fault_of_url(url); !fault.empty()) {
            return make_error(ErrorCode::kInvalidArgument, std::move(fault));
        }
        state->receivers.push_back(std::make_unique<State::Receiver>(io, url, config.retry));
    }
    // NOLINTNEXTLINE(*-owning-memory): private
    return std::unique_ptr<WebhookSender>(new WebhookSender(std::move(state)));
}

WebhookSender::WebhookSender(std::unique_ptr<State> state) : state_(std::move(state)) {}

WebhookSender::~WebhookSender() = default;

void WebhookSender::send(const std::string& body_json) {
    for (const auto& receiver : state_->receivers) {
        receiver->queue.push(body_json);
        state_->go_on(*receiver);
    }
}

http::RetryCounters WebhookSender::counters() const {
    http::RetryCounters sum;
    for (const auto& receiver : state_->receivers) {
        const http::RetryCounters& counters = receiver->queue.counters();
        sum.delivered += counters.delivered;
        sum.failed_tries += counters.failed_tries;
        sum.dropped_full += counters.dropped_full;
        sum.dropped_hopeless += counters.dropped_hopeless;
    }
    return sum;
}

}  // namespace isthmus::signaling::access
