// Requests and responses as handlers see them, and the table that finds a handler. No socket here.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace isthmus::http {

// Header names compare without case (RFC 9110 section 5.1).
struct HeaderLess {
    using is_transparent = void;
    [[nodiscard]] bool operator()(std::string_view a, std::string_view b) const;
};

using Headers = std::multimap<std::string, std::string, HeaderLess>;

struct Request {
    std::string method;  // "GET", ...
    std::string path;    // percent-decoded, without query, begins with '/'
    std::map<std::string, std::string, std::less<>> query;  // decoded; the last of a name counts
    std::map<std::string, std::string, std::less<>> parameters;  // what {name} in the route matched
    Headers headers;
    std::string body;  // whole; never longer than the server's limit
    std::string remote_address;
    std::string base_url;  // "https://host:port" as the client addressed us
    bool secure = false;   // came over TLS

    [[nodiscard]] std::string_view header(std::string_view name) const;  // first value, or empty
    // The token of "Authorization: Bearer ..." (RFC 6750), or empty.
    [[nodiscard]] std::string_view bearer_token() const;
};

struct Response {
    unsigned status = 200;
    Headers headers;
    std::string body;

    [[nodiscard]] static Response text(unsigned status, std::string body);
    [[nodiscard]] static Response json(unsigned status, std::string body);
    // application/problem+json (RFC 9457): type about:blank, title of the status, `detail`.
    [[nodiscard]] static Response problem(unsigned status, std::string_view detail);
    // The status that fits the code: 400, 404, 409, 403, 401 with WWW-Authenticate, 429, 503, 500.
    [[nodiscard]] static Response problem(const Error& error);
};

// Answers one request, once, on the signaling thread. Dropping it unanswered sends 500.
using Responder = std::move_only_function<void(Response)>;
using Handler = std::function<void(const Request&, Responder)>;
using Finisher = std::function<void(Response, Responder)>;

class WebSocketUser;
// See web_socket.h.
using Upgrader =
    std::function<std::expected<std::unique_ptr<WebSocketUser>, Response>(const Request&)>;

class Router {
  public:
    // `pattern`: "/whip/{conference}" - a braced segment matches one whole non-empty segment;
    // "/meet/*" - a final star matches the rest, as parameter "*".
    void add(std::string_view method, std::string_view pattern, Handler handler);

    // A GET that asks for a WebSocket there. Plain requests do not see it.
    void add_web_socket(std::string_view pattern, Upgrader upgrader);

    // Passes what no handler answers at `pattern` (405, OPTIONS, refuse()) through `finish`, which
    // adds headers and responds. Closes the paths that fit: routes that are added later do not
    // count for them.
    void finish_refusals(std::string_view pattern, Finisher finish);

    // Finds the handler and fills `request.parameters`; answers 404, 405 with Allow, and OPTIONS
    // that no route claims, itself.
    void dispatch(Request request, Responder respond) const;

    // Answers with `refusal` in place of a handler, which a request with too long a body never
    // reaches.
    void refuse(const std::string& path, Response refusal, Responder respond) const;

    // Fills `request.parameters`; nothing where no WebSocket is at the path.
    [[nodiscard]] const Upgrader* find_web_socket(Request& request) const;

    // "GET /whip/{conference}" for each route, in the order of adding.
    [[nodiscard]] std::vector<std::string> routes() const;

  private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;
        Handler handler;
        Finisher finish;  // set where it is none of a method, but of the router's own answers
    };

    // Among the routes that fit a path.
    struct Match {
        const Route* route = nullptr;  // whose handler takes the request
        std::map<std::string, std::string, std::less<>> parameters;  // of `route`
        const Finisher* finish = nullptr;
        std::set<std::string> methods;  // what the path allows
    };

    [[nodiscard]] Match find(const std::string& method, const std::string& path) const;

    struct WebSocketRoute {
        std::vector<std::string> segments;
        Upgrader upgrader;
    };

    std::vector<Route> routes_;
    std::vector<WebSocketRoute> web_sockets_;
};

}  // namespace isthmus::http
