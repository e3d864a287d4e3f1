// Webhooks against a real http::Server on loopback.
#include "signaling/access/webhook_sender.h"

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "signaling/access/token.h"
#include "tests/base/http/server_fixture.h"

namespace isthmus::signaling::access {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

// Remembers what it got, and refuses the first few.
class WebhookReceiver {
  public:
    explicit WebhookReceiver(int refusals) : refusals_(refusals) {}

    void add_route(http::Router& router) {
        router.add("POST", "/hook", [this](const http::Request& request, http::Responder respond) {
            const std::scoped_lock lock(mutex_);
            if (refusals_-- > 0) {
                respond(http::Response::problem(503, "Not now."));
                return;
            }
            requests_.push_back(request);
            respond(http::Response::text(200, "ok"));
        });
    }

    [[nodiscard]] std::vector<http::Request> requests() const {
        const std::scoped_lock lock(mutex_);
        return requests_;
    }

  private:
    mutable std::mutex mutex_;
    int refusals_;
    std::vector<http::Request> requests_;
};

TEST(WebhookSender, SignsAndTriesAgainInOrder) {
    WebhookReceiver receiver(2);
    const http::RunningServer server(http::loopback_config(),
                                     [&](http::Router& router) { receiver.add_route(router); });
    boost::asio::io_context io(1);
    WebhookConfig config{.urls = {"http://127.0.0.1:" + std::to_string(server.port()) + "/hook"},
                         .key = "key",
                         .secret = std::string(kSecret)};
    config.retry.first_wait = std::chrono::milliseconds(1);
    auto sender = WebhookSender::make(io, config, [] { return kNow; });
    ASSERT_TRUE(sender);
    (*sender)->send(R"({"event": "room_started"})");
    (*sender)->send(R"({"event": "room_finished"})");
    while ((*sender)->counters().delivered < 2) {
        ASSERT_GT(io.run_one(), 0U);
    }
    const auto requests = receiver.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].body, R"({"event": "room_started"})");
    EXPECT_EQ(requests[1].body, R"({"event": "room_finished"})");
    EXPECT_EQ(requests[0].header("Content-Type"), "application/webhook+json");
    EXPECT_EQ((*sender)->counters().failed_tries, 2U);

    // A token of ours, good for a few minutes, that names the body by its digest.
    const std::string jwt(requests[0].header("Authorization"));
    const ApiKeys keys{{"key", std::string(kSecret)}};
    EXPECT_TRUE(verify_token(jwt, keys, kNow + 200));
    EXPECT_FALSE(verify_token(jwt, keys, kNow + 400));
    EXPECT_NE(jwt, requests[1].header("Authorization"));
}

TEST(WebhookSender, RefusesWhatIsNoUrl) {
    boost::asio::io_context io(1);
    EXPECT_FALSE(WebhookSender::make(io, {.urls = {"nonsense"}}, [] { return kNow; }));
}

}  // namespace
}  // namespace isthmus::signaling::access
