#include "control-agent/registration/hub_http.h"

#include <chrono>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "base/http/base64url.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::registration {
namespace {

constexpr std::size_t kAnswerBytesMax = 128UL * 1024;

std::string advice_for(http::ConnectStep step, bool proxied) {
    switch (step) {
        case http::ConnectStep::kAddress:
            return proxied
                       ? "give the proxy by its IP address, or let this machine resolve its name"
                       : "let this machine resolve the name, or, where only a proxy can, name "
                         "that with --proxy";
        case http::ConnectStep::kConnection:
            return proxied ? "check the proxy's address and port"
                           : "let the firewall pass TCP to the hub's port, or name a proxy with "
                             "--proxy; check that the hub runs";
        case http::ConnectStep::kProxy:
            return "check user and password in --proxy, and what the proxy allows";
        case http::ConnectStep::kTls:
        case http::ConnectStep::kCertificate:
            return "check that what listens there is the hub; if a proxy inspects TLS, give its "
                   "authority with --authorities";
        case http::ConnectStep::kAnswer:
            break;
    }
    return "try again; if it stays so, look into the hub's log";
}

// application/problem+json with "detail" and "advice"; anything else is not from a hub.
HubFault refusal_of(const http::Response& response) {
    const auto value = channel::parse_json(response.body, kAnswerBytesMax);
    const auto detail = value ? channel::text_field(*value, "detail") : std::nullopt;
    if (!detail) {
        return {.why = fmt::format("HTTP status {} without a reason", response.status),
                .advice =
                    "check that the address is that of a hub and that no proxy answers in "
                    "its place"};
    }
    auto advice = channel::text_field(*value, "advice");
    return {.why = *detail,
            .advice = advice ? std::move(*advice)
                      : response.status < 500
                          ? "ask the hub's administrator for a new code"
                          : "try again; if it stays so, look into the hub's log",
            .refused = response.status < 500};
}

}  // namespace

Result<std::unique_ptr<HubHttp>> HubHttp::make(boost::asio::io_context& io,
                                               const std::string& url,
                                               const http::ConnectConfig& connect) {
    std::unique_ptr<HubHttp> made(new HubHttp());  // NOLINT(*-owning-memory): private
    http::ClientConfig config{
        .time = std::chrono::seconds(15), .answer_bytes_max = kAnswerBytesMax, .connect = connect};
    config.connect.accept_certificate = [note = made->certificate_note_](const std::string& what) {
        *note = what;
        return true;
    };
    auto client = http::Client::make(io, config);
    if (!client) {
        return std::unexpected(client.error());
    }
    made->url_ = url.ends_with('/') ? url.substr(0, url.size() - 1) : url;
    made->proxied_ = connect.proxy.has_value();
    made->client_ = std::move(*client);
    return made;
}

HubFault HubHttp::fault_of(const Error& error) const {
    const auto& fault = client_->fault();
    return {.why = error.message,
            .advice = fault ? advice_for(fault->step, proxied_) : "check the hub's address"};
}

void HubHttp::hello(channel::HubTrust& trust, RandomSource& random, HelloAnswer answer) {
    const channel::Bytes nonce = channel::random_bytes(random, channel::kNonceBytes);
    client_->send(
        {.method = "GET",
         .url = url_ + "/v1/enrollment/hello?nonce=" + http::encode_base64url(nonce),
         .headers = {},
         .body = {}},
        [this, nonce, &trust, answer = std::move(answer)](Result<http::Response> response) mutable {
            if (!response) {
                answer(std::unexpected(fault_of(response.error())));
                return;
            }
            if (response->status != 200) {
                answer(std::unexpected(refusal_of(*response)));
                return;
            }
            auto hello = channel::read_hello(response->body, nonce, trust);
            if (!hello) {
                answer(std::unexpected(HubFault{
                    .why = std::move(hello.error().message),
                    .advice = "if the address is right, ask the network's administrator what "
                              "answers in the hub's place"}));
                return;
            }
            answer(std::move(*hello));
        });
}

void HubHttp::post(const std::string& path, std::string body, BodyAnswer answer) {
    client_->send({.method = "POST",
                   .url = url_ + path,
                   .headers = {{"Content-Type", "application/json"}},
                   .body = std::move(body)},
                  [this, answer = std::move(answer)](Result<http::Response> response) mutable {
                      if (!response) {
                          answer(std::unexpected(fault_of(response.error())));
                      } else if (response->status != 200 && response->status != 201) {
                          answer(std::unexpected(refusal_of(*response)));
                      } else {
                          answer(std::move(response->body));
                      }
                  });
}

}  // namespace isthmus::registration
