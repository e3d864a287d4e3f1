#include "base/http/server_connection.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <exception>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "base/check.h"
#include "base/http/server_target.h"
#include "base/http/web_socket_connection.h"
#include "base/log.h"

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Code = beast::error_code;
using Parser = bhttp::request_parser<bhttp::string_body>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// What one read takes; the buffer holds a header and the beginning of what follows it.
constexpr std::size_t kReadBytes = 4096;
// A client that was refused may be in the middle of a big body; more than this is not waited for.
constexpr std::size_t kLingerBytesMax = 64UL * 1024 * 1024;

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

// The answer to one request: completes the coroutine that waits for it, from whatever handler holds
// it and in a later step of the io_context, so that a handler is never re-entered.
template <typename Handler>
class PendingAnswer {
  public:
    explicit PendingAnswer(Handler handler) : handler_(std::move(handler)) {}

    PendingAnswer(PendingAnswer&& other) noexcept
        : handler_(std::exchange(other.handler_, std::nullopt)) {}

    PendingAnswer& operator=(PendingAnswer&&) = delete;
    PendingAnswer(const PendingAnswer&) = delete;
    PendingAnswer& operator=(const PendingAnswer&) = delete;

    // Only want of memory throws here, and ends the program.
    ~PendingAnswer() {  // NOLINT(bugprone-exception-escape)
        if (handler_) {
            complete(Response::problem(500, "The request was not answered; this is a bug."));
        }
    }

    void operator()(Response response) { complete(std::move(response)); }

  private:
    void complete(Response response) {
        if (!handler_) {
            return;
        }
        auto executor = asio::get_associated_executor(*handler_);
        asio::post(executor,
                   [handler = std::move(*handler_), response = std::move(response)]() mutable {
                       handler(std::move(response));
                   });
        handler_.reset();
    }

    std::optional<Handler> handler_;
};

// Waits for what the Responder that `ask` is called with is given.
template <typename Ask>
asio::awaitable<Response> answer_to(Ask ask) {
    auto initiate = [ask = std::move(ask)](auto handler) mutable {
        PendingAnswer<decltype(handler)> answer(std::move(handler));
        try {
            ask(Responder(std::move(answer)));
        } catch (const std::exception& e) {
            // The answer was dropped on the way up, which sent 500.
            log::error("http", "a handler threw: {}", e.what());
        }
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Response)>(std::move(initiate),
                                                                               asio::use_awaitable);
}

asio::awaitable<Response> dispatch(const Router* router, Request request) {
    return answer_to([router, request = std::move(request)](Responder respond) mutable {
        router->dispatch(std::move(request), std::move(respond));
    });
}

std::string http_date() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 40> text{};
    const std::size_t size =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
}

// A header that a handler made from a client's words must not become two (RFC 9112 section 11.1).
bool safe_header(std::string_view value) {
    return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

struct Exchange {
    unsigned version = 11;
    bool keep_alive = false;
    bool head = false;
};

bhttp::response<bhttp::string_body> to_beast(Response response, const Exchange& exchange) {
    bhttp::response<bhttp::string_body> message;
    message.version(exchange.version);
    message.result(response.status);
    message.set(bhttp::field::date, http_date());
    message.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) {
        if (safe_header(value)) {
            message.insert(name, value);
        }
    }
    message.keep_alive(exchange.keep_alive);
    const bool bodiless = response.status == 204 || response.status == 304;
    if (!bodiless) {
        message.content_length(response.body.size());
    }
    if (!bodiless && !exchange.head) {
        message.body() = std::move(response.body);
    }
    return message;
}

void count(ServerCounters& counters, unsigned status) {
    const std::array<std::uint64_t*, 4> classes = {&counters.responses_2xx,
                                                   &counters.responses_3xx,
                                                   &counters.responses_4xx,
                                                   &counters.responses_5xx};
    ++*classes.at(std::clamp(status / 100, 2U, 5U) - 2);
}

template <typename Stream>
asio::awaitable<bool> write(Connection* connection,
                            Stream* stream,
                            Response response,
                            Exchange exchange) {
    count(connection->core->counters, response.status);
    auto message = to_beast(std::move(response), exchange);
    connection->tcp.expires_after(connection->core->limits.write_time);
    auto [error, bytes] = co_await bhttp::async_write(*stream, message, kAwait);
    co_return !error && connection->core != nullptr;
}

// Half-closes and reads on for a while, so that the answer reaches a client that is still sending.
asio::awaitable<void> linger(Connection* connection) {
    Code ignored;
    std::ignore = connection->tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    connection->tcp.expires_after(connection->core->limits.linger_time);
    std::array<char, kReadBytes> sink{};
    std::size_t total = 0;
    while (total < kLingerBytesMax) {
        auto [error, bytes] = co_await connection->tcp.async_read_some(asio::buffer(sink), kAwait);
        if (error) {
            break;
        }
        total += bytes;
    }
}

// Fetch Standard, section 3.3.3: a server that knows several origins names the one that asks.
void restrict_origin(const ServerCore& core, const std::string& origin, Response& response) {
    const auto allowed = response.headers.find("Access-Control-Allow-Origin");
    if (allowed == response.headers.end() || core.allowed_origins.contains("*")) {
        return;
    }
    if (core.allowed_origins.contains(origin)) {
        allowed->second = origin;
    } else {
        response.headers.erase(allowed);
    }
    response.headers.emplace("Vary", "Origin");
}

struct Refusal {
    unsigned status = 400;
    std::string_view detail;
};

Refusal refusal_of(Code error) {
    if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) {
        return {431, "The request's header is longer than this server takes."};
    }
    if (error == bhttp::error::body_limit) {
        return {413, "The request's body is longer than this server takes."};
    }
    if (error == bhttp::error::bad_version) {
        return {505, "This server speaks HTTP/1.1."};
    }
    return {400, "This is not a well-formed HTTP/1.1 request."};
}

// Where a request is going and which page sends it, as far as its header was read: what a browser
// lets that page read of the answer hangs on both.
struct Sender {
    std::string path;  // empty: malformed or not read
    std::string origin;
};

Sender sender_of(const Parser::value_type& message) {
    Sender sender;
    if (auto target = parse_target(view(message.target()))) {
        sender.path = std::move(target->path);
    }
    sender.origin = view(message[bhttp::field::origin]);
    return sender;
}

template <typename Stream>
asio::awaitable<void> refuse(Connection* connection,
                             Stream* stream,
                             Refusal refusal,
                             Sender sender) {
    ++connection->core->counters.requests_refused;
    auto ask = [router = connection->core->router, &refusal, &sender](Responder respond) {
        router->refuse(
            sender.path, Response::problem(refusal.status, refusal.detail), std::move(respond));
    };
    Response response = co_await answer_to(ask);
    if (connection->core == nullptr) {
        co_return;
    }
    restrict_origin(*connection->core, sender.origin, response);
    if (co_await write(connection, stream, std::move(response), Exchange{})) {
        co_await linger(connection);
    }
}

// Errors that mean "the client went away" or "took too long"; everything else is worth an answer.
bool is_protocol_error(Code error) {
    return error.category() == bhttp::make_error_code(bhttp::error::bad_method).category() &&
           error != bhttp::error::end_of_stream && error != bhttp::error::partial_message;
}

std::string_view last_of_list(std::string_view list) {
    const std::size_t comma = list.rfind(',');
    std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
    while (last.starts_with(' ')) {
        last.remove_prefix(1);
    }
    while (last.ends_with(' ')) {
        last.remove_suffix(1);
    }
    return last;
}

// What a trusted reverse proxy says about the client replaces what the socket says.
void apply_forwarded(Request& request, std::string& authority) {
    if (const auto client = last_of_list(request.header("X-Forwarded-For")); !client.empty()) {
        Code error;
        const auto address = asio::ip::make_address(std::string(client), error);
        if (!error) {
            request.remote_address = address.to_string();
        }
    }
    if (const auto scheme = last_of_list(request.header("X-Forwarded-Proto")); !scheme.empty()) {
        request.secure = scheme == "https";
    }
    if (const auto host = last_of_list(request.header("X-Forwarded-Host")); valid_authority(host)) {
        authority = host;
    }
}

std::expected<Request, Refusal> to_request(const Connection& connection,
                                           Parser::value_type message) {
    auto target = parse_target(view(message.target()));
    if (!target) {
        return std::unexpected(Refusal{400, "The request's target is malformed."});
    }
    Request request;
    request.method = view(message.method_string());
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    std::string authority = connection.authority;
    if (message.count(bhttp::field::host) > 1 ||
        (message.version() == 11 && message.count(bhttp::field::host) == 0)) {
        return std::unexpected(Refusal{400, "The request needs one Host header."});
    }
    if (const auto host = view(message[bhttp::field::host]); !host.empty()) {
        if (!valid_authority(host)) {
            return std::unexpected(Refusal{400, "The Host header is malformed."});
        }
        authority = host;
    }
    for (const auto& field : message) {
        request.headers.emplace(view(field.name_string()), view(field.value()));
    }
    request.remote_address = connection.remote.to_string();
    request.secure = connection.tls.has_value();
    if (connection.core->trusted_proxies.contains(request.remote_address)) {
        apply_forwarded(request, authority);
    }
    request.base_url = (request.secure ? "https://" : "http://") + authority;
    request.body = std::move(message.body());
    return request;
}

template <typename Stream>
asio::awaitable<Code> read_body(Connection* connection, Stream* stream, Parser* parser) {
    if (beast::iequals(parser->get()[bhttp::field::expect], "100-continue")) {
        bhttp::response<bhttp::empty_body> go_on(bhttp::status::continue_, 11);
        connection->tcp.expires_after(connection->core->limits.write_time);
        auto [error, bytes] = co_await bhttp::async_write(*stream, go_on, kAwait);
        if (error || connection->core == nullptr) {
            co_return error;
        }
    }
    connection->tcp.expires_after(connection->core->limits.body_time);
    auto [error, bytes] = co_await bhttp::async_read(*stream, connection->buffer, *parser, kAwait);
    co_return error;
}

// The whole of one request into `parser`, within the limits of size and time.
template <typename Stream>
asio::awaitable<Code> read_request(Connection* connection, Stream* stream, Parser* parser) {
    const ServerLimits& limits = connection->core->limits;
    const std::size_t header_max = std::max(limits.header_bytes, limits.web_socket.header_bytes);
    parser->header_limit(static_cast<std::uint32_t>(header_max));
    parser->body_limit(limits.body_bytes);
    connection->tcp.expires_after(limits.header_time);
    auto [error, bytes] =
        co_await bhttp::async_read_header(*stream, connection->buffer, *parser, kAwait);
    if (error || connection->core == nullptr) {
        co_return error;
    }
    // Only what a WebSocket begins with may be longer: clients put an offer into it.
    if (bytes > limits.header_bytes && !beast::websocket::is_upgrade(parser->get())) {
        co_return bhttp::error::header_limit;
    }
    if (parser->is_done()) {
        co_return error;
    }
    co_return co_await read_body(connection, stream, parser);
}

// What an upgrade leads to: the user of the WebSocket, or the answer that refuses. Nothing where
// the request is a plain one.
using UpgradeOutcome = std::optional<std::expected<std::unique_ptr<WebSocketUser>, Response>>;

UpgradeOutcome try_upgrade(Connection& connection, bool upgrade, Request& request) {
    const Upgrader* const upgrader =
        upgrade ? connection.core->router->find_web_socket(request) : nullptr;
    if (upgrader == nullptr) {
        return std::nullopt;
    }
    ServerCounters& counters = connection.core->counters;
    if (connection.core->stopping ||
        counters.web_sockets_open >= connection.core->limits.web_socket.connections) {
        ++counters.web_sockets_refused;
        return std::unexpected(Response::problem(503, "There are too many WebSockets already."));
    }
    try {
        auto user = (*upgrader)(request);
        counters.web_sockets_refused += user ? 0 : 1;
        return user;
    } catch (const std::exception& e) {
        log::error("http", "an upgrade threw: {}", e.what());
        return std::unexpected(Response::problem(500, "The upgrade failed; this is a bug."));
    }
}

// One request and its answer. False where the connection ends.
template <typename Stream>
asio::awaitable<bool> serve_one(Connection* connection, Stream* stream) {
    Parser parser;
    const Code error = co_await read_request(connection, stream, &parser);
    if (connection->core == nullptr) {
        co_return false;
    }
    if (error) {
        if (is_protocol_error(error)) {
            co_await refuse(connection, stream, refusal_of(error), sender_of(parser.get()));
        } else if (error == beast::error::timeout) {
            ++connection->core->counters.requests_timed_out;
        }
        co_return false;
    }
    Exchange exchange{.version = parser.get().version(),
                      .keep_alive = parser.get().keep_alive(),
                      .head = parser.get().method() == bhttp::verb::head};
    Sender sender = sender_of(parser.get());
    Parser::value_type message = parser.release();
    // The WebSocket's handshake needs the message once more; it has no body.
    const bool upgrade = beast::websocket::is_upgrade(message) && message.body().empty();
    auto handshake = upgrade ? message : Parser::value_type{};
    auto request = to_request(*connection, std::move(message));
    if (!request) {
        co_await refuse(connection, stream, request.error(), std::move(sender));
        co_return false;
    }
    ++connection->core->counters.requests;
    const std::string line = request->method + " " + request->path;
    connection->tcp.expires_never();
    UpgradeOutcome outcome = try_upgrade(*connection, upgrade, *request);
    if (outcome && *outcome && connection->buffer.size() == 0) {
        connection->leave_limits();
        co_await run_web_socket(connection, stream, std::move(handshake), std::move(**outcome));
        co_return false;
    }
    if (outcome && *outcome) {
        // RFC 6455 section 4.1: nothing is sent before the handshake is through.
        outcome = std::unexpected(Response::problem(400, "The handshake is not through yet."));
    }
    Response response;
    if (outcome) {
        response = std::move(outcome->error());
    } else {
        response = co_await dispatch(connection->core->router, std::move(*request));
    }
    if (connection->core == nullptr) {
        co_return false;
    }
    log::debug("http", "{} {} {}", connection->remote.to_string(), line, response.status);
    restrict_origin(*connection->core, sender.origin, response);
    exchange.keep_alive = exchange.keep_alive && !connection->core->stopping;
    const bool sent = co_await write(connection, stream, std::move(response), exchange);
    co_return sent&& exchange.keep_alive && !connection->core->stopping;
}

template <typename Stream>
asio::awaitable<void> serve(Connection* connection, Stream* stream) {
    bool more = true;
    while (more) {
        if (connection->buffer.size() == 0) {
            connection->idle = true;
            connection->tcp.expires_after(connection->core->limits.idle_time);
            auto [error, bytes] =
                co_await stream->async_read_some(connection->buffer.prepare(kReadBytes), kAwait);
            if (error || connection->core == nullptr) {
                co_return;
            }
            connection->buffer.commit(bytes);
        }
        connection->idle = false;
        more = co_await serve_one(connection, stream);
    }
}

asio::awaitable<void> run_tls(Connection* connection) {
    CHECK(connection->tls.has_value());
    auto& stream = *connection->tls;
    connection->tcp.expires_after(connection->core->limits.header_time);
    auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kAwait);
    if (connection->core == nullptr) {
        co_return;
    }
    if (error) {
        ++connection->core->counters.tls_handshakes_failed;
        co_return;
    }
    co_await serve(connection, &stream);
    if (connection->core != nullptr && connection->tcp.socket().is_open()) {
        // close_notify, so that the client can tell the end from an attack (RFC 8446 section 6.1).
        connection->tcp.expires_after(connection->core->limits.linger_time);
        co_await stream.async_shutdown(kAwait);
    }
}

}  // namespace

void ServerCore::report_when_stopped(const asio::any_io_executor& executor) {
    if (stopping && connections.empty() && stopped) {
        asio::post(executor, [done = std::exchange(stopped, nullptr)]() mutable { done(); });
    }
}

Connection::Connection(ServerCore& server, asio::ip::tcp::socket socket, bool secure)
    : core(&server),
      tcp(std::move(socket)),
      buffer(std::max(server.limits.header_bytes, server.limits.web_socket.header_bytes) +
             kReadBytes) {
    Code ignored;
    remote = tcp.socket().remote_endpoint(ignored).address();
    const auto local = tcp.socket().local_endpoint(ignored);
    authority = ListenAddress{.ip = local.address().to_string(), .port = local.port()}.to_string();
    std::ignore = tcp.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    key = limit_key(remote);
    if (secure) {
        CHECK(server.tls.has_value());
        tls.emplace(tcp, *server.tls);
    }
    core->connections.insert(this);
    ++core->connections_counted;
    ++core->connections_by_address[key];
    ++core->counters.connections_accepted;
    core->counters.connections_open = core->connections.size();
}

// Only want of memory throws here, and ends the program.
Connection::~Connection() {  // NOLINT(bugprone-exception-escape)
    if (core == nullptr) {
        return;
    }
    leave_limits();
    core->connections.erase(this);
    core->counters.connections_open = core->connections.size();
    core->report_when_stopped(tcp.get_executor());
}

void Connection::leave_limits() {
    if (!std::exchange(counted, false)) {
        return;
    }
    --core->connections_counted;
    const auto mine = core->connections_by_address.find(key);
    if (--mine->second == 0) {
        core->connections_by_address.erase(mine);
    }
}

std::string Connection::limit_key(const asio::ip::address& address) {
    if (address.is_v4()) {
        return address.to_string();
    }
    // One customer has a /64 of IPv6 addresses and may use all of them.
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return asio::ip::address_v6(bytes).to_string();
}

void Connection::close() {
    tcp.close();
}

void Connection::detach() {
    if (web_socket != nullptr) {
        std::exchange(web_socket, nullptr)->end();
    }
    core = nullptr;
    close();
}

asio::awaitable<void> run_connection(std::unique_ptr<Connection> connection) {
    try {
        if (connection->core == nullptr) {
            co_return;
        }
        if (connection->tls) {
            co_await run_tls(connection.get());
        } else {
            co_await serve(connection.get(), &connection->tcp);
        }
    } catch (const std::exception& e) {
        log::error("http", "a connection ended by an exception: {}", e.what());
    }
}

}  // namespace isthmus::http
