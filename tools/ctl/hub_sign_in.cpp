#include "tools/ctl/hub_sign_in.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include "base/http/base64url.h"
#include "base/random.h"
#include "control-agent/channel/crypto.h"
#include "control-agent/channel/json_fields.h"
#include "tools/ctl/loopback_listener.h"
#include "tools/ctl/reports.h"

namespace isthmus::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t kAnswerBytesMax = 65'536;
constexpr std::size_t kVerifierCharacters = 64;  // RFC 7636 section 4.1: 43 to 128
constexpr std::size_t kStateCharacters = 22;
constexpr auto kSignInTime = std::chrono::minutes(10);  // as long as the hub waits

// Where there is a desktop; the address was printed for where this comes to nothing.
void open_browser(std::string url) {
    // One thread, before any other begins.
    const bool desktop =
        std::getenv("DISPLAY") != nullptr ||        // NOLINT(concurrency-mt-unsafe)
        std::getenv("WAYLAND_DISPLAY") != nullptr;  // NOLINT(concurrency-mt-unsafe)
    if (!desktop) {
        return;
    }
    std::string program = "xdg-open";
    char* const arguments[] = {program.data(), url.data(), nullptr};
    posix_spawn_file_actions_t quiet{};
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    // It hands the address to the desktop and ends; who we leave behind is init's.
    (void)::posix_spawnp(&child, program.c_str(), &quiet, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&quiet);
}

Result<json::value> ask(const SignInCalls& calls,
                        const std::string& path,
                        const json::object& body) {
    const auto answer = calls.post(path, json::serialize(body));
    if (!answer) {
        return std::unexpected(answer.error());
    }
    auto value = channel::parse_json(answer->body, kAnswerBytesMax);
    if (answer->status < 200 || answer->status > 299 || !value) {
        return make_error(error_of_status(answer->status),
                          problem_text(answer->status, answer->body));
    }
    return std::move(*value);
}

Result<std::string> fetch_code(LoopbackListener* listener, const SignInCalls& calls) {
    if (listener != nullptr) {
        return listener->wait(kSignInTime);
    }
    std::string code = calls.read_secret("Code that the browser shows: ");
    if (code.empty()) {
        return make_error(ErrorCode::kInvalidArgument, "no code was given");
    }
    return code;
}

}  // namespace

Result<std::string> sign_in(const SignInOptions& options, const SignInCalls& calls) {
    SystemRandom random;
    const std::string verifier = random.next_token(kVerifierCharacters);
    const std::string state = random.next_token(kStateCharacters);
    std::unique_ptr<LoopbackListener> listener;
    if (!options.paste) {
        auto opened = LoopbackListener::open(state);
        if (!opened) {
            return std::unexpected(opened.error());
        }
        listener = std::move(*opened);
    }
    const auto begun = ask(calls,
                           "/v1/oidc/sign-ins",
                           {{"organization", options.organization},
                            {"challenge", http::encode_base64url(channel::sha256(verifier))},
                            {"returnTo", listener ? listener->url() : ""},
                            {"state", state}});
    if (!begun) {
        return std::unexpected(begun.error());
    }
    const std::string url = channel::text_field(*begun, "url").value_or("");
    if (!url.starts_with("https://")) {
        return make_error(ErrorCode::kInternal, "the hub gives no address to sign in at");
    }
    std::fprintf(stderr, "Sign in with a browser at\n%s\n", url.c_str());
    if (listener) {
        open_browser(url);
    }
    const auto code = fetch_code(listener.get(), calls);
    if (!code) {
        return std::unexpected(code.error());
    }
    const auto session = ask(calls,
                             "/v1/oidc/tokens",
                             {{"code", *code}, {"verifier", verifier}, {"link", options.link}});
    if (!session) {
        return std::unexpected(session.error());
    }
    return channel::text_field(*session, "token").value_or("");
}

}  // namespace isthmus::ctl
