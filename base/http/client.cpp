#include "base/http/client.h"

#include <chrono>
#include <set>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "base/http/client_target.h"
#include "base/http/dialer.h"

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

using Answered = std::expected<Response, ConnectFault>;

template <typename Stream>
asio::awaitable<Answered> talk(Stream* stream,
                               const ClientRequest* request,
                               const ClientTarget* target,
                               std::size_t answer_bytes_max) {
    bhttp::request<bhttp::string_body> message(
        bhttp::string_to_verb(request->method), target->path, 11);
    for (const auto& [name, value] : request->headers) {
        message.insert(name, value);
    }
    message.set(bhttp::field::host, target->authority);
    message.set(bhttp::field::connection, "close");
    message.body() = request->body;
    message.prepare_payload();
    if (const auto [code, bytes] = co_await bhttp::async_write(*stream, message, kAwait); code) {
        co_return std::unexpected(fault_at(ConnectStep::kAnswer, "cannot send to", *target, code));
    }
    bhttp::response_parser<bhttp::string_body> parser;
    parser.body_limit(answer_bytes_max);
    beast::flat_buffer buffer(answer_bytes_max);
    if (const auto [code, bytes] = co_await bhttp::async_read(*stream, buffer, parser, kAwait);
        code) {
        co_return std::unexpected(fault_at(ConnectStep::kAnswer, "no answer from", *target, code));
    }
    Response response;
    response.status = parser.get().result_int();
    for (const auto& field : parser.get()) {
        response.headers.emplace(std::string(field.name_string()), std::string(field.value()));
    }
    response.body = std::move(parser.get().body());
    co_return response;
}

}  // namespace

// One request on its way; its coroutine keeps it alive.
struct Exchange {
    Exchange(asio::io_context& io, ClientRequest request_in, Client::Answer answer_in)
        : line(io.get_executor()), request(std::move(request_in)), answer(std::move(answer_in)) {}

    Line line;
    ClientRequest request;
    Client::Answer answer;
};

namespace {

asio::awaitable<Answered> perform(Exchange* exchange,
                                  const ClientConfig* config,
                                  Dialer* dialer,
                                  const ClientTarget* target) {
    exchange->line.stream.expires_after(config->time);
    Connected connected = co_await dialer->connect(&exchange->line, target);
    if (!connected) {
        co_return std::unexpected(std::move(connected.error()));
    }
    if (!target->secure) {
        co_return co_await talk(
            &exchange->line.stream, &exchange->request, target, config->answer_bytes_max);
    }
    TlsStream stream(exchange->line.stream, dialer->tls());
    connected = co_await dialer->secure(&stream, target);
    if (!connected) {
        co_return std::unexpected(std::move(connected.error()));
    }
    co_return co_await talk(&stream, &exchange->request, target, config->answer_bytes_max);
}

}  // namespace

struct Client::State {
    asio::io_context* io = nullptr;
    ClientConfig config;
    std::shared_ptr<Dialer> dialer;
    std::optional<ConnectFault> fault;
    std::set<std::shared_ptr<Exchange>> exchanges;
    // An exchange's last step finds it gone where the client is.
    std::shared_ptr<State*> self = std::make_shared<State*>(this);
};

std::string fault_of_url(const std::string& url) {
    const auto target = parse_http_url(url);
    return target ? std::string() : target.error().message;
}

Result<std::unique_ptr<Client>> Client::make(asio::io_context& io, const ClientConfig& config) {
    auto dialer = Dialer::make(config.connect);
    if (!dialer) {
        return std::unexpected(dialer.error());
    }
    auto state = std::make_unique<State>();
    state->io = &io;
    state->config = config;
    state->dialer = std::move(*dialer);
    return std::unique_ptr<Client>(
        new Client(std::move(state)));  // NOLINT(*-owning-memory): private
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}

Client::~Client() {
    state_->dialer->detach();
    for (const auto& exchange : state_->exchanges) {
        exchange->answer = nullptr;
        exchange->line.cancel();
    }
}

const std::optional<ConnectFault>& Client::fault() const {
    return state_->fault;
}

void Client::send(ClientRequest request, Answer answer) {
    auto exchange = std::make_shared<Exchange>(*state_->io, std::move(request), std::move(answer));
    state_->exchanges.insert(exchange);
    // What outlives the client is given as copies: the coroutine may end after it.
    const auto run = [](std::shared_ptr<Exchange> self,
                        ClientConfig config,
                        std::shared_ptr<Dialer> dialer,
                        std::weak_ptr<State*> alive) -> asio::awaitable<void> {
        const auto target = parse_http_url(self->request.url);
        // No conditional expression: GCC 12 destroys what a co_await in one returns twice.
        Result<Response> result = make_error(ErrorCode::kInternal, {});
        std::optional<ConnectFault> fault;
        if (target) {
            Answered answered = co_await perform(self.get(), &config, dialer.get(), &*target);
            if (answered) {
                result = std::move(*answered);
            } else {
                result = std::unexpected(error_of(answered.error()));
                fault = std::move(answered.error());
            }
        } else {
            result = std::unexpected(target.error());
        }
        const std::shared_ptr<State*> state = alive.lock();
        if (!state) {
            co_return;
        }
        (*state)->fault = std::move(fault);
        (*state)->exchanges.erase(self);
        Answer last = std::move(self->answer);
        last(std::move(result));
    };
    asio::co_spawn(
        *state_->io, run(exchange, state_->config, state_->dialer, state_->self), asio::detached);
}

}  // namespace isthmus::http
