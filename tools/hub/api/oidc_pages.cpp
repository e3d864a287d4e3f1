#include "tools/hub/api/oidc_pages.h"

#include <spdlog/fmt/fmt.h>

namespace isthmus::hub {
namespace {

std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

// What is in the address (code, state) goes nowhere else, and nothing of this is kept or framed.
void close_up(http::Response& response) {
    response.headers.emplace("Cache-Control", "no-store");
    response.headers.emplace("Referrer-Policy", "no-referrer");
    response.headers.emplace("Content-Security-Policy",
                             "default-src 'none'; frame-ancestors 'none'");
}

http::Response page(unsigned status, std::string_view title, const std::string& body) {
    http::Response response{
        .status = status,
        .headers = {{"Content-Type", "text/html; charset=utf-8"}},
        .body = fmt::format("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                            "<title>{0}</title></head>\n<body><h1>{0}</h1>\n{1}</body></html>\n",
                            escape(title),
                            body)};
    close_up(response);
    return response;
}

}  // namespace

http::Response redirect_to(const std::string& url) {
    http::Response response{.status = 302, .headers = {{"Location", url}}, .body = {}};
    close_up(response);
    return response;
}

http::Response code_page(std::string_view code) {
    return page(200,
                "Signed in",
                fmt::format("<p>Type this code into the isthmusctl that you started yourself, and "
                            "tell it to nobody: it is good once, for five minutes.</p>\n"
                            "<p><code>{}</code></p>\n",
                            escape(code)));
}

http::Response refusal_page(unsigned status, std::string_view why) {
    return page(status, "Not signed in", fmt::format("<p>{}</p>\n", escape(why)));
}

}  // namespace isthmus::hub
