#include "tools/load/http_message.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/check.h"
#include "signaling/sdp/text.h"

namespace isthmus::load {

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;

Result<HttpAuthority> parse_node_url(std::string_view url) {
    constexpr std::string_view kPlain = "http://";
    constexpr std::string_view kSecure = "https://";
    const auto bad = [url] {
        return make_error(
            ErrorCode::kInvalidArgument,
            "\"" + std::string(url) + "\" is no URL of a node; write e.g. http://127.0.0.1:8080");
    };
    const bool secure = url.starts_with(kSecure);
    if (!secure && !url.starts_with(kPlain)) {
        return bad();
    }
    std::string_view rest = url.substr(secure ? kSecure.size() : kPlain.size());
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    if (rest.empty() || rest.find_first_of("/?#@ \r\n[]") != std::string_view::npos) {
        return bad();
    }
    HttpAuthority authority{.host = {},
                            .port = static_cast<std::uint16_t>(secure ? 443 : 80),
                            .text = std::string(rest),
                            .secure = secure};
    const std::size_t colon = rest.find(':');
    authority.host = rest.substr(0, colon);
    if (colon != std::string_view::npos) {
        const auto port = signaling::sdp::parse_number<std::uint16_t>(rest.substr(colon + 1));
        if (!port) {
            return bad();
        }
        authority.port = *port;
    }
    return authority.host.empty() ? Result<HttpAuthority>(bad()) : authority;
}

std::string write_http_request(const HttpRequest& request, const HttpAuthority& to) {
    std::string text = request.method;
    for (const std::string_view part : {std::string_view(" "),
                                        std::string_view(request.target),
                                        std::string_view(" HTTP/1.1\r\nHost: "),
                                        std::string_view(to.text),
                                        std::string_view("\r\nContent-Length: ")}) {
        text += part;
    }
    text += std::to_string(request.body.size());
    text += "\r\n";
    for (const auto& [name, value] : request.headers) {
        for (const std::string_view part : {std::string_view(name),
                                            std::string_view(": "),
                                            std::string_view(value),
                                            std::string_view("\r\n")}) {
            text += part;
        }
    }
    text += "\r\n";
    text += request.body;
    return text;
}

std::string path_of_location(std::string_view location) {
    const std::size_t scheme = location.find("://");
    if (scheme != std::string_view::npos) {
        const std::size_t path = location.find('/', scheme + 3);
        location = path == std::string_view::npos ? "/" : location.substr(path);
    }
    const bool clean = location.find_first_of(" \r\n\t") == std::string_view::npos;
    return location.starts_with('/') && clean ? std::string(location) : std::string();
}

struct HttpResponseReader::Parser {
    Parser() {
        parser.eager(true);
        parser.body_limit(kBodyBytesMax);
    }

    bhttp::response_parser<bhttp::string_body> parser;
};

HttpResponseReader::HttpResponseReader() : parser_(std::make_unique<Parser>()) {}

HttpResponseReader::~HttpResponseReader() = default;
HttpResponseReader::HttpResponseReader(HttpResponseReader&&) noexcept = default;
HttpResponseReader& HttpResponseReader::operator=(HttpResponseReader&&) noexcept = default;

std::expected<bool, HttpReadError> HttpResponseReader::push(std::string_view bytes) {
    started_ = started_ || !bytes.empty();
    rest_ += bytes;
    while (!rest_.empty() && !parser_->parser.is_done()) {
        boost::system::error_code error;
        const std::size_t used = parser_->parser.put(asio::buffer(rest_), error);
        rest_.erase(0, used);
        if (error == bhttp::error::need_more) {
            break;
        }
        if (error) {
            const bool large =
                error == bhttp::error::body_limit || error == bhttp::error::header_limit;
            return std::unexpected(large ? HttpReadError::kTooLarge : HttpReadError::kMalformed);
        }
        // An interim response (RFC 9110 section 15.2) is skipped.
        const bool done = parser_->parser.is_done();
        if (done && parser_->parser.get().result_int() / 100 == 1) {
            parser_ = std::make_unique<Parser>();
        } else if (used == 0) {
            break;
        }
    }
    return parser_->parser.is_done();
}

std::expected<bool, HttpReadError> HttpResponseReader::end() {
    boost::system::error_code error;
    parser_->parser.put_eof(error);
    if (error || !parser_->parser.is_done()) {
        return std::unexpected(HttpReadError::kMalformed);
    }
    return true;
}

http::Response HttpResponseReader::take() {
    CHECK(parser_->parser.is_done());
    keep_alive_ = parser_->parser.get().keep_alive();
    auto message = parser_->parser.release();
    http::Response response{
        .status = message.result_int(), .headers = {}, .body = std::move(message.body())};
    for (const auto& field : message) {
        response.headers.emplace(std::string(field.name_string()), std::string(field.value()));
    }
    parser_ = std::make_unique<Parser>();
    started_ = !rest_.empty();
    return response;
}

}  // namespace isthmus::load
