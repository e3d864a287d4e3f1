#include "tools/ctl/http_client.h"

#include <algorithm>
#include <exception>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <spdlog/fmt/fmt.h>

namespace isthmus::ctl {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

// The statistics of a conference with a thousand participants have about 20 MiB.
constexpr std::uint64_t kAnswerBytesMax = 256ULL * 1024 * 1024;

struct Address {
    bool secure = false;
    std::string host;
    std::string port;
    std::string authority;  // as it stood in the URL
};

Result<Address> parse_base_url(std::string_view url) {
    const auto bad = [&] {
        return make_error(
            ErrorCode::kInvalidArgument,
            fmt::format("\"{}\" is no URL of a node; write e.g. http://127.0.0.1:8080", url));
    };
    Address address;
    std::string_view rest = url;
    if (rest.starts_with("https://")) {
        address.secure = true;
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else {
        return bad();
    }
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    address.authority = rest;
    const std::size_t colon = rest.rfind(':');
    const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == rest.npos &&
                          (rest.starts_with('[') || rest.find(':') == colon);
    std::string_view host = has_port ? rest.substr(0, colon) : rest;
    address.port = has_port ? std::string(rest.substr(colon + 1)) : address.secure ? "443" : "80";
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    address.host = host;
    if (address.host.empty() || address.port.empty() ||
        rest.find_first_of("/?#@ \r\n") != std::string_view::npos) {
        return bad();
    }
    return address;
}

template <typename Stream>
asio::awaitable<HttpAnswer> exchange(Stream* stream, bhttp::request<bhttp::string_body> request) {
    co_await bhttp::async_write(*stream, request, asio::use_awaitable);
    beast::flat_buffer buffer;
    bhttp::response_parser<bhttp::string_body> parser;
    parser.body_limit(kAnswerBytesMax);
    co_await bhttp::async_read(*stream, buffer, parser, asio::use_awaitable);
    co_return HttpAnswer{.status = parser.get().result_int(),
                         .body = std::move(parser.get().body())};
}

void trust(asio::ssl::context& context, const HttpClientConfig& config, const std::string& host) {
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    if (config.insecure) {
        context.set_verify_mode(asio::ssl::verify_none);
        return;
    }
    context.set_verify_mode(asio::ssl::verify_peer);
    context.set_verify_callback(asio::ssl::host_name_verification(host));
    if (config.ca_file.empty()) {
        context.set_default_verify_paths();
    } else {
        context.load_verify_file(config.ca_file);
    }
}

asio::awaitable<HttpAnswer> fetch(const HttpClientConfig* config,
                                  Address address,
                                  bhttp::request<bhttp::string_body> request) {
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::resolver resolver(executor);
    const auto endpoints =
        co_await resolver.async_resolve(address.host, address.port, asio::use_awaitable);
    beast::tcp_stream tcp(executor);
    tcp.expires_after(config->timeout);
    co_await tcp.async_connect(endpoints, asio::use_awaitable);
    if (!address.secure) {
        co_return co_await exchange(&tcp, std::move(request));
    }
    asio::ssl::context context(asio::ssl::context::tls_client);
    trust(context, *config, address.host);
    asio::ssl::stream<beast::tcp_stream&> tls(tcp, context);
    SSL_set_tlsext_host_name(tls.native_handle(), address.host.c_str());
    co_await tls.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    co_return co_await exchange(&tls, std::move(request));
}

std::string hint_for(const boost::system::error_code& error) {
    if (error == asio::error::connection_refused) {
        return "; is isthmus-node running there? --url names another node";
    }
    if (error.category() == asio::error::get_ssl_category()) {
        return "; a self-signed certificate needs --ca-file with it, or --insecure";
    }
    return "";
}

}  // namespace

Result<HttpAnswer> http_request(const HttpClientConfig& config,
                                std::string_view method,
                                const std::string& path,
                                std::string body) {
    const auto address = parse_base_url(config.base_url);
    if (!address) {
        return std::unexpected(address.error());
    }
    const auto unreachable = [&](std::string_view why, std::string_view hint) {
        return make_error(ErrorCode::kUnavailable,
                          fmt::format("cannot reach {}: {}{}", config.base_url, why, hint));
    };
    bhttp::request<bhttp::string_body> request;
    if (!body.empty()) {
        request.set(bhttp::field::content_type, "application/json");
        request.body() = std::move(body);
        request.prepare_payload();
    }
    request.version(11);
    request.method_string({method.data(), method.size()});
    request.target(path);
    request.set(bhttp::field::host, address->authority);
    request.set(bhttp::field::user_agent, "isthmusctl");
    request.set(bhttp::field::connection, "close");
    if (!config.authorization.empty()) {
        request.set(bhttp::field::authorization, config.authorization);
    }
    Result<HttpAnswer> result = make_error(ErrorCode::kUnavailable, "no answer");
    try {
        asio::io_context io(1);
        asio::co_spawn(io,
                       fetch(&config, *address, std::move(request)),
                       [&](const std::exception_ptr& failure, HttpAnswer answer) {
                           if (failure) {
                               std::rethrow_exception(failure);
                           }
                           result = std::move(answer);
                       });
        io.run();
    } catch (const boost::system::system_error& e) {
        return unreachable(e.code().message(), hint_for(e.code()));
    } catch (const std::exception& e) {
        return unreachable(e.what(), "");
    }
    return result;
}

ErrorCode error_of_status(unsigned status) {
    switch (status) {
        case 400:
            return ErrorCode::kInvalidArgument;
        case 401:
            return ErrorCode::kUnauthenticated;
        case 403:
            return ErrorCode::kPermissionDenied;
        case 404:
            return ErrorCode::kNotFound;
        case 409:
            return ErrorCode::kConflict;
        default:
            return ErrorCode::kInternal;
    }
}

std::string basic_authorization(std::string_view key, std::string_view secret) {
    const std::string text = fmt::format("{}:{}", key, secret);
    std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    encoded.resize(static_cast<std::size_t>(size));
    return "Basic " + encoded;
}

}  // namespace isthmus::ctl
