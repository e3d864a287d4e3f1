// Requests with arbitrary method, path, headers and body, all in one go, against WHIP and WHEP:
// each is answered once, and no session outlives its connection.
//
// The input is a list of requests, each "METHOD PATH\nCONTENT-TYPE\nIF-MATCH\nBODY", with a byte
// 0x1E between them. "@" as the path stands for the URL of the session made last.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "signaling/whip/whip_endpoint.h"
#include "tests/signaling/scripted_switchboard.h"

namespace {

using isthmus::SeededRandom;
using isthmus::signaling::ScriptedSwitchboard;
namespace access = isthmus::signaling::access;
namespace http = isthmus::http;
namespace whip = isthmus::signaling::whip;

constexpr std::int64_t kNow = 1'750'000'000;
constexpr char kSeparator = 0x1E;

std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

std::string make_token() {
    access::AccessToken token;
    token.issuer = "key";
    token.identity = "alice";
    token.expires_unix_s = kNow + 3600;
    token.video.room = "demo";
    token.video.room_join = true;
    return access::sign_token(token, "secret");
}

class Subject {
  public:
    Subject() : endpoint_(config(), switchboard_, random_, [] { return kNow; }) {
        endpoint_.add_routes(router_);
    }

    void send(std::string_view text) {
        static const std::string kToken = "Bearer " + make_token();
        http::Request request;
        std::string_view start = take_until(text, '\n');
        request.method = take_until(start, ' ');
        request.path =
            start.starts_with('@') ? session_ + std::string(start.substr(1)) : std::string(start);
        request.headers.emplace("Authorization", kToken);
        request.headers.emplace("Content-Type", take_until(text, '\n'));
        if (const std::string_view if_match = take_until(text, '\n'); !if_match.empty()) {
            request.headers.emplace("If-Match", if_match);
        }
        request.body = text;
        int answers = 0;
        router_.dispatch(std::move(request), [&](http::Response response) {
            ++answers;
            CHECK(response.status >= 200 && response.status < 600);
            CHECK(response.status != 500);
            if (response.status == 201) {
                session_ = response.headers.find("Location")->second;
            }
        });
        switchboard_.answer_all();
        CHECK(answers == 1);
        const whip::WhipStats stats = endpoint_.stats();
        CHECK(stats.publishers + stats.viewers == switchboard_.live());
    }

  private:
    static whip::WhipConfig config() {
        whip::WhipConfig config;
        config.keys = {{"key", "secret"}};
        config.sessions_max = 4;
        config.accept_simulcast = true;
        return config;
    }

    SeededRandom random_{1};
    ScriptedSwitchboard switchboard_;
    whip::WhipEndpoint endpoint_;
    http::Router router_;
    std::string session_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    isthmus::log::configure({.level = isthmus::log::Level::kError});
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Subject subject;
    while (!text.empty()) {
        subject.send(take_until(text, kSeparator));
    }
    return 0;
}
