// HTTP/1.1 as a client speaks it, without sockets: a request as bytes, a response from bytes.
//
// Boost.Beast's parser behind it. Leaves out: redirects, trailers.
// Specification: RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/http/message.h"

namespace isthmus::load {

// Of "http://host:port" or "https://host:port".
struct HttpAuthority {
    std::string host;  // name or IPv4 address
    std::uint16_t port = 80;
    std::string text;  // for the Host header
    bool secure = false;
};

// kInvalidArgument with a sentence.
[[nodiscard]] Result<HttpAuthority> parse_node_url(std::string_view url);

struct HttpRequest {
    std::string method;
    std::string target;  // encoded already
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

// With Host and Content-Length; asks to keep the connection.
[[nodiscard]] std::string write_http_request(const HttpRequest& request, const HttpAuthority& to);

// The path of a Location header, which may be a whole URL (RFC 9110 section 10.2.2); empty where
// it is neither.
[[nodiscard]] std::string path_of_location(std::string_view location);

enum class HttpReadError : std::uint8_t { kMalformed, kTooLarge };

// Reads one response after the other from a connection.
class HttpResponseReader {
  public:
    HttpResponseReader();
    ~HttpResponseReader();
    HttpResponseReader(HttpResponseReader&&) noexcept;
    HttpResponseReader& operator=(HttpResponseReader&&) noexcept;

    // The bytes of an answer beyond this are an error.
    static constexpr std::size_t kBodyBytesMax = std::size_t{4} * 1024 * 1024;

    // True when a response is whole; then take() it before more is pushed.
    [[nodiscard]] std::expected<bool, HttpReadError> push(std::string_view bytes);
    // The connection ended; whole now where the response lasts until then.
    [[nodiscard]] std::expected<bool, HttpReadError> end();

    // Of a whole response; the reader begins anew.
    [[nodiscard]] http::Response take();

    // Of the response that take() returned last: the connection can be used again.
    [[nodiscard]] bool keep_alive() const { return keep_alive_; }

    // Bytes of a response have come.
    [[nodiscard]] bool started() const { return started_; }

  private:
    struct Parser;

    std::unique_ptr<Parser> parser_;
    std::string rest_;  // not parsed yet
    bool started_ = false;
    bool keep_alive_ = false;
};

}  // namespace isthmus::load
