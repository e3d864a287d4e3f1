#include "base/http/proxy_tunnel.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/random.h"

namespace isthmus::http {
namespace {

namespace bhttp = boost::beast::http;

// Of an answer's head. Error pages come behind it and are not read.
constexpr std::size_t kAnswerBytesMax = 16UL * 1024;
// Asked, with credentials, and once more where the nonce had gone stale meanwhile.
constexpr int kTriesMax = 3;

struct Head {
    unsigned status = 0;
    Headers headers;
    std::size_t size = 0;
};

enum class HeadFault : std::uint8_t { kNeedsMore, kBroken };

std::expected<Head, HeadFault> parse_head(std::string_view text) {
    bhttp::response_parser<bhttp::empty_body> parser;
    parser.header_limit(kAnswerBytesMax);
    parser.skip(true);
    boost::system::error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(text.data(), text.size()), error);
    if (error == bhttp::error::need_more) {
        return std::unexpected(HeadFault::kNeedsMore);
    }
    if (error || !parser.is_header_done()) {
        return std::unexpected(error ? HeadFault::kBroken : HeadFault::kNeedsMore);
    }
    Head head{.status = parser.get().result_int(), .headers = {}, .size = used};
    for (const auto& field : parser.get()) {
        head.headers.emplace(std::string(field.name_string()), std::string(field.value()));
    }
    return head;
}

bool has_control_bytes(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

Result<ProxyConfig> parse_proxy_url(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    const bool good = parsed && parsed->scheme() == "http" && !parsed->host().empty() &&
                      (parsed->encoded_path().empty() || parsed->encoded_path() == "/") &&
                      !parsed->has_query() && !parsed->has_fragment();
    // The URL is not repeated: it may hold a password.
    if (!good) {
        return make_error(ErrorCode::kInvalidArgument,
                          "the proxy's address is none; write http://[user:password@]host:port, "
                          "with %40 for an @ in the password");
    }
    ProxyConfig config;
    config.host = parsed->host_address();
    if (parsed->has_port() && !parsed->port().empty()) {
        config.port = std::string(parsed->port());
    }
    if (parsed->has_userinfo()) {
        config.credentials = Credentials{.user = parsed->user(), .password = parsed->password()};
        if (has_control_bytes(config.credentials->user)) {
            return make_error(ErrorCode::kInvalidArgument,
                              "the proxy's user has control characters in it");
        }
    }
    return config;
}

std::string ProxyTunnel::request() {
    ++tries_;
    answer_.clear();
    std::string text = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", name_);
    if (!authorization_.empty()) {
        text += fmt::format("Proxy-Authorization: {}\r\n", authorization_);
    }
    return text + "\r\n";
}

ProxyTunnel::Next ProxyTunnel::handle_bytes(std::string_view bytes) {
    answer_ += bytes.substr(0, kAnswerBytesMax + 1 - std::min(answer_.size(), kAnswerBytesMax));
    while (true) {
        const auto head = parse_head(answer_);
        if (!head && head.error() == HeadFault::kNeedsMore && answer_.size() <= kAnswerBytesMax) {
            return Next::kReadMore;
        }
        if (!head) {
            return refuse("what answers there does not speak HTTP as proxies do");
        }
        answer_.erase(0, head->size);
        if (head->status >= 200) {
            return on_status(head->status, head->headers);
        }
        // RFC 9110 section 15.2: interim answers may come before the real one.
    }
}

ProxyTunnel::Next ProxyTunnel::refuse(std::string why) {
    refusal_ = std::move(why);
    return Next::kRefused;
}

ProxyTunnel::Next ProxyTunnel::on_status(unsigned status, const Headers& headers) {
    if (status < 300) {
        // TLS and WebSockets begin with the client: what is there already is not the host's.
        return answer_.empty()
                   ? Next::kOpen
                   : refuse("it sent more than its answer before it was asked anything");
    }
    if (status == 407) {
        return on_challenge(headers);
    }
    if (status == 403) {
        return refuse(fmt::format("it does not allow a way to {} (403); let it allow that", name_));
    }
    return refuse(fmt::format("it answers {} when asked for a way to {}", status, name_));
}

ProxyTunnel::Next ProxyTunnel::on_challenge(const Headers& headers) {
    std::vector<Challenge> challenges;
    std::string schemes;
    const auto [first, last] = headers.equal_range("Proxy-Authenticate");
    for (auto field = first; field != last; ++field) {
        // A field that is broken takes only itself along.
        for (Challenge& challenge :
             parse_challenges(field->second).value_or(std::vector<Challenge>())) {
            schemes += (schemes.empty() ? "" : ", ") + challenge.scheme;
            challenges.push_back(std::move(challenge));
        }
    }
    if (!config_.credentials) {
        return refuse(fmt::format("it wants a user and a password ({}); give them in its address",
                                  schemes.empty() ? "it does not say how" : schemes));
    }
    bool stale = false;
    for (const Challenge& challenge : challenges) {
        stale = stale || challenge.parameter("stale") == "true" ||
                challenge.parameter("stale") == "TRUE";
    }
    if (tries_ >= kTriesMax || (!authorization_.empty() && !stale)) {
        return refuse("it does not accept the user or the password");
    }
    auto answer = answer_challenges(challenges,
                                    *config_.credentials,
                                    {.method = "CONNECT", .uri = name_},
                                    config_.basic_allowed,
                                    *random_);
    if (!answer || has_control_bytes(*answer)) {
        return refuse(fmt::format(
            "it asks for {}; this side can do Digest{}",
            schemes.empty() ? "an authentication that it does not name" : schemes,
            config_.basic_allowed ? " and Basic" : " (Basic is forbidden by configuration)"));
    }
    authorization_ = std::move(*answer);
    return Next::kConnectAgain;
}

}  // namespace isthmus::http
