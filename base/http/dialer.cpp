#include "base/http/dialer.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

namespace isthmus::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using Code = boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Verifies chain and name, and keeps the first fault.
class CertificateCheck {
  public:
    CertificateCheck(const std::string& host, std::function<bool(const std::string&)> accept)
        : name_(host), accept_(std::move(accept)), host_(host) {}

    bool operator()(bool chain_good, ssl::verify_context& context) {
        if (accepted_) {
            return true;
        }
        if (!chain_good) {
            const int error = X509_STORE_CTX_get_error(context.native_handle());
            return refuse(X509_verify_cert_error_string(error));
        }
        return name_(true, context) || refuse("it is not for " + host_);
    }

    [[nodiscard]] const std::string& fault() const { return fault_; }

  private:
    bool refuse(const std::string& what) {
        fault_ = what;
        accepted_ = accept_ && accept_(what);
        return accepted_;
    }

    ssl::host_name_verification name_;
    std::function<bool(const std::string&)> accept_;
    std::string host_;
    std::string fault_;
    bool accepted_ = false;
};

// Where `host` is an address already. It needs no resolver, and so no thread of one.
std::optional<Tcp::endpoint> endpoint_of(const std::string& host, const std::string& port) {
    Code no_address;
    const auto address = asio::ip::make_address(host, no_address);
    std::uint16_t number = 0;
    const char* const end = port.data() + port.size();
    const auto parsed = std::from_chars(port.data(), end, number);
    if (no_address || parsed.ec != std::errc() || parsed.ptr != end) {
        return std::nullopt;
    }
    return Tcp::endpoint(address, number);
}

asio::awaitable<Connected> pass_proxy(TcpStream* stream, ProxyTunnel* tunnel, bool* again) {
    const std::string request = tunnel->request();
    const auto fault = [](std::string what) {
        return std::unexpected(
            ConnectFault{.step = ConnectStep::kProxy, .message = "the proxy: " + std::move(what)});
    };
    *again = false;
    if (const auto [code, bytes] =
            co_await asio::async_write(*stream, asio::buffer(request), kAwait);
        code) {
        co_return fault(code.message());
    }
    std::array<char, 4096> piece{};
    ProxyTunnel::Next next = ProxyTunnel::Next::kReadMore;
    while (next == ProxyTunnel::Next::kReadMore) {
        const auto [code, bytes] = co_await stream->async_read_some(asio::buffer(piece), kAwait);
        if (code) {
            co_return fault("no answer, " + code.message());
        }
        next = tunnel->handle_bytes({piece.data(), bytes});
    }
    *again = next == ProxyTunnel::Next::kConnectAgain;
    if (next == ProxyTunnel::Next::kRefused) {
        co_return fault(tunnel->refusal());
    }
    co_return Connected();
}

}  // namespace

Error error_of(const ConnectFault& fault) {
    return {.code = fault.step == ConnectStep::kCertificate ? ErrorCode::kUnauthenticated
                                                            : ErrorCode::kUnavailable,
            .message = fault.message};
}

ConnectFault fault_at(ConnectStep step,
                      std::string_view what,
                      const ClientTarget& target,
                      const Code& code) {
    return {.step = step,
            .message = std::string(what) + ' ' + target.authority + ": " + code.message()};
}

Dialer::Dialer(ConnectConfig config) : config_(std::move(config)), tls_(ssl::context::tls_client) {}

Result<std::shared_ptr<Dialer>> Dialer::make(const ConnectConfig& config) {
    auto dialer = std::make_shared<Dialer>(config);
    Code code;
    std::ignore = dialer->tls_.set_default_verify_paths(code);
    if (!config.authorities_file.empty()) {
        std::ignore = dialer->tls_.load_verify_file(config.authorities_file, code);
        if (code) {
            return make_error(
                ErrorCode::kInvalidArgument,
                "cannot read authorities from " + config.authorities_file + ": " + code.message());
        }
    }
    dialer->tls_.set_verify_mode(ssl::verify_peer);
    SSL_CTX_set_min_proto_version(dialer->tls_.native_handle(), TLS1_2_VERSION);
    return dialer;
}

void Dialer::detach() {
    config_.on_step = nullptr;
    config_.accept_certificate = nullptr;
}

void Dialer::tell(ConnectStep step, const std::string& what) const {
    if (config_.on_step) {
        config_.on_step(step, what);
    }
}

asio::awaitable<Connected> Dialer::connect_to(Line* line,
                                              const std::string* host,
                                              const std::string* port) {
    const std::string who = *host + ':' + *port;
    const auto fault = [&](ConnectStep step, std::string_view what, const Code& code) {
        return std::unexpected(ConnectFault{
            .step = step, .message = std::string(what) + ' ' + who + ": " + code.message()});
    };
    if (const auto known = endpoint_of(*host, *port)) {
        const auto [code] = co_await line->stream.async_connect(*known, kAwait);
        if (code) {
            co_return fault(ConnectStep::kConnection, "cannot connect to", code);
        }
        tell(ConnectStep::kConnection, who);
        co_return Connected();
    }
    const auto [resolve_code, addresses] =
        co_await line->resolver.async_resolve(*host, *port, kAwait);
    if (resolve_code) {
        co_return fault(ConnectStep::kAddress, "cannot find", resolve_code);
    }
    tell(ConnectStep::kAddress, *host);
    const auto [code, endpoint] = co_await line->stream.async_connect(addresses, kAwait);
    if (code) {
        co_return fault(ConnectStep::kConnection, "cannot connect to", code);
    }
    tell(ConnectStep::kConnection, endpoint.address().to_string());
    co_return Connected();
}

asio::awaitable<Connected> Dialer::connect(Line* line, const ClientTarget* target) {
    if (!config_.proxy) {
        co_return co_await connect_to(line, &target->host, &target->port);
    }
    ProxyTunnel tunnel(*config_.proxy, target->tunnel_name(), random_);
    bool again = true;
    while (again) {
        Connected connected = co_await connect_to(line, &config_.proxy->host, &config_.proxy->port);
        if (!connected) {
            connected.error().message.insert(0, "the proxy: ");
            co_return connected;
        }
        connected = co_await pass_proxy(&line->stream, &tunnel, &again);
        if (!connected) {
            co_return connected;
        }
        if (again) {
            Code ignored;
            std::ignore = line->stream.socket().close(ignored);
        }
    }
    tell(ConnectStep::kProxy, config_.proxy->host);
    co_return Connected();
}

asio::awaitable<Connected> Dialer::secure(TlsStream* stream, const ClientTarget* target) {
    Code not_an_address;
    std::ignore = asio::ip::make_address(target->host, not_an_address);
    if (not_an_address) {  // RFC 6066 section 3: names only
        SSL_set_tlsext_host_name(stream->native_handle(), target->host.c_str());
    }
    const auto check = std::make_shared<CertificateCheck>(target->host, config_.accept_certificate);
    stream->set_verify_callback(
        [check](bool good, ssl::verify_context& context) { return (*check)(good, context); });
    const auto [code] = co_await stream->async_handshake(ssl::stream_base::client, kAwait);
    if (code && !check->fault().empty()) {
        co_return std::unexpected(ConnectFault{.step = ConnectStep::kCertificate,
                                               .message = "the certificate of " +
                                                          target->authority +
                                                          " does not convince: " + check->fault()});
    }
    if (code) {
        co_return std::unexpected(fault_at(ConnectStep::kTls, "no TLS with", *target, code));
    }
    tell(ConnectStep::kTls, SSL_get_version(stream->native_handle()));
    if (check->fault().empty()) {
        tell(ConnectStep::kCertificate, target->host);
    }
    co_return Connected();
}

}  // namespace isthmus::http
