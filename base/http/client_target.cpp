#include "base/http/client_target.h"

#include <string_view>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace isthmus::http {
namespace {

struct Schemes {
    std::string_view plain;
    std::string_view secure;
};

Result<ClientTarget> parse(const std::string& url, const Schemes& schemes) {
    const auto parsed = boost::urls::parse_uri(url);
    const std::string_view scheme =
        parsed ? std::string_view(parsed->scheme().data(), parsed->scheme().size())
               : std::string_view();
    if ((scheme != schemes.plain && scheme != schemes.secure) || parsed->host().empty() ||
        parsed->has_userinfo()) {
        return make_error(ErrorCode::kInvalidArgument,
                          '"' + url + "\" is no " + std::string(schemes.plain) + ":// or " +
                              std::string(schemes.secure) + ":// URL without a user in it");
    }
    ClientTarget target;
    target.secure = scheme == schemes.secure;
    target.host = parsed->host_address();
    target.authority = std::string(parsed->encoded_host_and_port());
    target.port = parsed->has_port() ? std::string(parsed->port()) : (target.secure ? "443" : "80");
    target.path = std::string(parsed->encoded_target());
    if (!target.path.starts_with('/')) {
        target.path.insert(0, "/");
    }
    return target;
}

}  // namespace

std::string ClientTarget::tunnel_name() const {
    return (host.contains(':') ? '[' + host + ']' : host) + ':' + port;
}

Result<ClientTarget> parse_http_url(const std::string& url) {
    return parse(url, {.plain = "http", .secure = "https"});
}

Result<ClientTarget> parse_web_socket_url(const std::string& url) {
    return parse(url, {.plain = "ws", .secure = "wss"});
}

}  // namespace isthmus::http
