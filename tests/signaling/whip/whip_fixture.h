// An endpoint with its router, a scripted switchboard and a clock that stands still.
#pragma once

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "base/random.h"
#include "signaling/whip/whip_endpoint.h"
#include "tests/signaling/scripted_switchboard.h"

namespace isthmus::signaling::whip {

class WhipTest : public testing::Test {
  protected:
    static constexpr std::int64_t kStart = 1'750'000'000;
    static constexpr std::string_view kSecret = "secret";

    WhipTest() { make_endpoint(default_config()); }

    static WhipConfig default_config() {
        WhipConfig config;
        config.keys = {{"key", std::string(kSecret)}};
        return config;
    }

    void make_endpoint(WhipConfig config) {
        endpoint_.emplace(std::move(config), switchboard_, random_, [this] { return now_; });
        router_ = http::Router();
        endpoint_->add_routes(router_);
    }

    [[nodiscard]] access::AccessToken token_of(std::string_view identity) const {
        access::AccessToken token;
        token.issuer = "key";
        token.identity = identity;
        token.expires_unix_s = now_ + 3600;
        token.video.room = "demo";
        token.video.room_join = true;
        return token;
    }

    static http::Request request_of(std::string method, std::string path, std::string body = "") {
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.body = std::move(body);
        return request;
    }

    static void authorize(http::Request& request, const access::AccessToken& token) {
        request.headers.emplace("Authorization", "Bearer " + access::sign_token(token, kSecret));
    }

    static std::string offer(std::string_view name) {
        std::ifstream file("tests/data/sdp/" + std::string(name), std::ios::binary);
        EXPECT_TRUE(file) << "tests run in the repository's root";
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    [[nodiscard]] http::Request post_of(std::string path,
                                        std::string_view offer_name,
                                        std::string_view identity = "alice") const {
        http::Request request = request_of("POST", std::move(path), offer(offer_name));
        request.headers.emplace("Content-Type", "application/sdp");
        authorize(request, token_of(identity));
        return request;
    }

    // Every answer of these URLs must let a web page read it.
    http::Response send(http::Request request) {
        std::optional<http::Response> got = send_unanswered(std::move(request));
        switchboard_.answer_all();
        return take(std::move(got));
    }

    // The answer is in `late_` once the switchboard has answered.
    std::optional<http::Response> send_unanswered(http::Request request) {
        late_.reset();
        router_.dispatch(std::move(request), [this](http::Response response) {
            EXPECT_FALSE(late_) << "answered twice";
            late_ = std::move(response);
        });
        return late_;
    }

    http::Response take(std::optional<http::Response> got) {
        if (!got) {
            got = late_;
        }
        EXPECT_TRUE(got) << "not answered";
        if (!got) {
            return {};
        }
        EXPECT_NE(header(*got, "Access-Control-Allow-Origin"), "");
        EXPECT_NE(header(*got, "Access-Control-Expose-Headers").find("Location"),
                  std::string::npos);
        return *got;
    }

    static std::string header(const http::Response& response, std::string_view name) {
        const auto found = response.headers.find(name);
        return found == response.headers.end() ? "" : found->second;
    }

    // Publishes as alice and returns the session's path.
    std::string publish() {
        const http::Response response = send(post_of("/whip/demo", "firefox_publish.sdp", "alice"));
        EXPECT_EQ(response.status, 201U) << response.body;
        etag_ = header(response, "ETag");
        return header(response, "Location");
    }

    // On a session's path, with alice's token.
    [[nodiscard]] http::Request change_of(std::string method,
                                          std::string path,
                                          std::string body = "") const {
        http::Request request = request_of(std::move(method), std::move(path), std::move(body));
        authorize(request, token_of("alice"));
        return request;
    }

    [[nodiscard]] http::Request patch_of(std::string path, std::string body) const {
        http::Request request = change_of("PATCH", std::move(path), std::move(body));
        request.headers.emplace("Content-Type", "application/trickle-ice-sdpfrag");
        return request;
    }

    std::int64_t now_ = kStart;
    SeededRandom random_{1};
    ScriptedSwitchboard switchboard_;
    http::Router router_;
    std::optional<WhipEndpoint> endpoint_;
    std::optional<http::Response> late_;
    std::string etag_;
};

}  // namespace isthmus::signaling::whip
