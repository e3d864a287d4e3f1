#include "base/http/client.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
namespace ssl = boost::asio::ssl;
using Code = boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

struct Target {
    bool secure = false;
    std::string host;       // as DNS and certificates know it
    std::string authority;  // for the Host header
    std::string port;
    std::string path;  // with query
};

Result<Target> parse_target(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https") ||
        parsed->host().empty() || parsed->has_userinfo()) {
        return make_error(ErrorCode::kInvalidArgument,
                          '"' + url + "\" is no http:// or https:// URL without a user in it");
    }
    Target target;
    target.secure = parsed->scheme() == "https";
    target.host = parsed->host_address();
    target.authority = std::string(parsed->encoded_host_and_port());
    target.port = parsed->has_port() ? std::string(parsed->port()) : (target.secure ? "443" : "80");
    target.path = std::string(parsed->encoded_target());
    if (!target.path.starts_with('/')) {
        target.path.insert(0, "/");
    }
    return target;
}

Error failed(const Target& target, std::string_view step, const Code& code) {
    return {.code = ErrorCode::kUnavailable,
            .message = std::string(step) + " " + target.authority + ": " + code.message()};
}

}  // namespace

// One request on its way; its coroutine keeps it alive.
struct Exchange {
    Exchange(asio::io_context& io, ClientRequest request_in, Client::Answer answer_in)
        : stream(io), resolver(io), request(std::move(request_in)), answer(std::move(answer_in)) {}

    beast::tcp_stream stream;
    asio::ip::tcp::resolver resolver;
    ClientRequest request;
    Client::Answer answer;
};

struct Client::State {
    State(asio::io_context& io_in, const ClientConfig& config_in)
        : io(&io_in),
          config(config_in),
          tls(std::make_shared<ssl::context>(ssl::context::tls_client)) {}

    asio::io_context* io;
    ClientConfig config;
    std::shared_ptr<ssl::context> tls;
    std::set<std::shared_ptr<Exchange>> exchanges;
    // An exchange's last step finds it gone where the client is.
    std::shared_ptr<State*> self = std::make_shared<State*>(this);

    template <typename Stream>
    static asio::awaitable<Result<Response>> talk(Stream& stream,
                                                  const ClientRequest& request,
                                                  const Target& target,
                                                  std::size_t answer_bytes_max) {
        bhttp::request<bhttp::string_body> message(
            bhttp::string_to_verb(request.method), target.path, 11);
        for (const auto& [name, value] : request.headers) {
            message.insert(name, value);
        }
        message.set(bhttp::field::host, target.authority);
        message.set(bhttp::field::connection, "close");
        message.body() = request.body;
        message.prepare_payload();
        if (const auto [code, bytes] = co_await bhttp::async_write(stream, message, kAwait); code) {
            co_return std::unexpected(failed(target, "cannot send to", code));
        }
        bhttp::response_parser<bhttp::string_body> parser;
        parser.body_limit(answer_bytes_max);
        beast::flat_buffer buffer(answer_bytes_max);
        if (const auto [code, bytes] = co_await bhttp::async_read(stream, buffer, parser, kAwait);
            code) {
            co_return std::unexpected(failed(target, "no answer from", code));
        }
        Response response;
        response.status = parser.get().result_int();
        for (const auto& field : parser.get()) {
            response.headers.emplace(std::string(field.name_string()), std::string(field.value()));
        }
        response.body = std::move(parser.get().body());
        co_return response;
    }

    static asio::awaitable<Result<Response>> perform(Exchange* exchange,
                                                     const ClientConfig& config,
                                                     ssl::context& tls,
                                                     const Target& target) {
        exchange->stream.expires_after(config.time);
        const auto [resolve_code, addresses] =
            co_await exchange->resolver.async_resolve(target.host, target.port, kAwait);
        if (resolve_code) {
            co_return std::unexpected(failed(target, "cannot find", resolve_code));
        }
        if (const auto [code, endpoint] =
                co_await exchange->stream.async_connect(addresses, kAwait);
            code) {
            co_return std::unexpected(failed(target, "cannot connect to", code));
        }
        if (!target.secure) {
            co_return co_await talk(
                exchange->stream, exchange->request, target, config.answer_bytes_max);
        }
        ssl::stream<beast::tcp_stream&> stream(exchange->stream, tls);
        SSL_set_tlsext_host_name(stream.native_handle(), target.host.c_str());
        stream.set_verify_callback(ssl::host_name_verification(target.host));
        if (const auto [code] = co_await stream.async_handshake(ssl::stream_base::client, kAwait);
            code) {
            co_return std::unexpected(failed(target, "no TLS with", code));
        }
        co_return co_await talk(stream, exchange->request, target, config.answer_bytes_max);
    }
};

std::string fault_of_url(const std::string& url) {
    const auto target = parse_target(url);
    return target ? std::string() : target.error().message;
}

Result<std::unique_ptr<Client>> Client::make(asio::io_context& io, const ClientConfig& config) {
    auto state = std::make_unique<State>(io, config);
    Code code;
    std::ignore = state->tls->set_default_verify_paths(code);
    if (!config.authorities_file.empty()) {
        std::ignore = state->tls->load_verify_file(config.authorities_file, code);
        if (code) {
            return make_error(
                ErrorCode::kInvalidArgument,
                "cannot read authorities from " + config.authorities_file + ": " + code.message());
        }
    }
    state->tls->set_verify_mode(ssl::verify_peer);
    SSL_CTX_set_min_proto_version(state->tls->native_handle(), TLS1_2_VERSION);
    return std::unique_ptr<Client>(
        new Client(std::move(state)));  // NOLINT(*-owning-memory): private
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}

Client::~Client() {
    for (const auto& exchange : state_->exchanges) {
        exchange->answer = nullptr;
        exchange->resolver.cancel();
        exchange->stream.close();
    }
}

void Client::send(ClientRequest request, Answer answer) {
    auto exchange = std::make_shared<Exchange>(*state_->io, std::move(request), std::move(answer));
    state_->exchanges.insert(exchange);
    // What outlives the client is given as copies: the coroutine may end after it.
    const auto run = [](std::shared_ptr<Exchange> self,
                        ClientConfig config,
                        std::shared_ptr<ssl::context> tls,
                        std::weak_ptr<State*> alive) -> asio::awaitable<void> {
        const auto target = parse_target(self->request.url);
        // No conditional expression: GCC 12 destroys what a co_await in one returns twice.
        Result<Response> result = make_error(ErrorCode::kInternal, {});
        if (target) {
            result = co_await State::perform(self.get(), config, *tls, *target);
        } else {
            result = std::unexpected(target.error());
        }
        const std::shared_ptr<State*> state = alive.lock();
        if (!state) {
            co_return;
        }
        (*state)->exchanges.erase(self);
        Answer last = std::move(self->answer);
        last(std::move(result));
    };
    asio::co_spawn(
        *state_->io, run(exchange, state_->config, state_->tls, state_->self), asio::detached);
}

}  // namespace isthmus::http
