#include "tools/ctl/loopback_listener.h"

#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/http/server.h"

namespace isthmus::ctl {
namespace {

std::string query_of(const http::Request& request, std::string_view name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
}

}  // namespace

struct LoopbackListener::State {
    explicit State(std::string expected) : state(std::move(expected)) {}

    boost::asio::io_context io{1};
    std::string state;
    http::Router router;
    std::optional<Result<std::string>> outcome;
    std::unique_ptr<http::Server> server;

    void take(const http::Request& request, http::Responder respond) {
        if (query_of(request, "state") != state || outcome) {
            respond(http::Response::text(400, "This is none of the sign-in that waits here.\n"));
            return;
        }
        const std::string code = query_of(request, "code");
        const std::string error = query_of(request, "error");
        outcome = code.empty() ? make_error(ErrorCode::kPermissionDenied,
                                            error.empty() ? "the hub sent no code" : error)
                               : Result<std::string>(code);
        respond(http::Response::text(200,
                                     code.empty() ? "Not signed in; the terminal says why.\n"
                                                  : "Signed in. This window can be closed.\n"));
    }
};

LoopbackListener::LoopbackListener(std::unique_ptr<State> state) : state_(std::move(state)) {}

LoopbackListener::~LoopbackListener() = default;

Result<std::unique_ptr<LoopbackListener>> LoopbackListener::open(std::string expected) {
    auto state = std::make_unique<State>(std::move(expected));
    State& held = *state;
    held.router.add(
        "GET", "/signed-in", [&held](const http::Request& request, http::Responder respond) {
            held.take(request, std::move(respond));
        });
    http::ServerConfig config;
    config.listen = {{.ip = "127.0.0.1", .port = 0}};
    auto server = http::Server::start(held.io, std::move(config), held.router);
    if (!server) {
        return std::unexpected(server.error());
    }
    held.server = std::move(*server);
    return std::unique_ptr<LoopbackListener>(new LoopbackListener(std::move(state)));
}

std::string LoopbackListener::url() const {
    return fmt::format("http://127.0.0.1:{}/signed-in",
                       state_->server->listeners().front().address.port);
}

Result<std::string> LoopbackListener::wait(Duration time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    while (!state_->outcome && std::chrono::steady_clock::now() < deadline) {
        state_->io.run_one_until(deadline);
    }
    // What the browser is told is sent before the port closes.
    bool stopped = false;
    state_->server->stop([&stopped] { stopped = true; });
    const auto closing = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (!stopped && std::chrono::steady_clock::now() < closing) {
        state_->io.run_one_until(closing);
    }
    return state_->outcome.value_or(
        make_error(ErrorCode::kUnavailable, "nobody signed in within the time for it"));
}

}  // namespace isthmus::ctl
