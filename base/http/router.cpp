#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/http/message.h"

namespace isthmus::http {
namespace {

using Parameters = std::map<std::string, std::string, std::less<>>;

// "/a/b" is {"a", "b"}; "/a/" is {"a", ""}; "/" is {""}.
[[nodiscard]] std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        segments.emplace_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return segments;
}

[[nodiscard]] bool is_parameter(std::string_view segment) {
    return segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}');
}

[[nodiscard]] std::string join_from(const std::vector<std::string>& segments, std::size_t first) {
    std::string joined;
    for (std::size_t i = first; i < segments.size(); ++i) {
        joined += i == first ? "" : "/";
        joined += segments[i];
    }
    return joined;
}

// One segment of a pattern against one of a path.
[[nodiscard]] bool match_segment(const std::string& pattern,
                                 const std::string& segment,
                                 Parameters& parameters) {
    if (!is_parameter(pattern)) {
        return pattern == segment;
    }
    parameters.emplace(pattern.substr(1, pattern.size() - 2), segment);
    return !segment.empty();
}

[[nodiscard]] bool match(const std::vector<std::string>& pattern,
                         const std::vector<std::string>& path,
                         Parameters& parameters) {
    parameters.clear();
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (i >= path.size()) {
            return false;
        }
        if (pattern[i] == "*") {
            parameters.emplace("*", join_from(path, i));
            return true;
        }
        if (!match_segment(pattern[i], path[i], parameters)) {
            return false;
        }
    }
    return path.size() == pattern.size();
}

[[nodiscard]] std::string join_methods(const std::set<std::string>& methods) {
    std::string joined;
    for (const std::string& method : methods) {
        joined += joined.empty() ? "" : ", ";
        joined += method;
    }
    return joined;
}

}  // namespace

void Router::add(std::string_view method, std::string_view pattern, Handler handler) {
    CHECK(pattern.starts_with('/'));
    routes_.push_back({.method = std::string(method),
                       .segments = split_path(pattern),
                       .handler = std::move(handler),
                       .finish = {}});
}

void Router::finish_refusals(std::string_view pattern, Finisher finish) {
    CHECK(pattern.starts_with('/'));
    routes_.push_back({.method = {},
                       .segments = split_path(pattern),
                       .handler = {},
                       .finish = std::move(finish)});
}

void Router::add_web_socket(std::string_view pattern, Upgrader upgrader) {
    CHECK(pattern.starts_with('/'));
    web_sockets_.push_back({.segments = split_path(pattern), .upgrader = std::move(upgrader)});
}

const Upgrader* Router::find_web_socket(Request& request) const {
    if (request.method != "GET" || !request.path.starts_with('/')) {
        return nullptr;
    }
    const std::vector<std::string> segments = split_path(request.path);
    for (const WebSocketRoute& route : web_sockets_) {
        if (match(route.segments, segments, request.parameters)) {
            return &route.upgrader;
        }
    }
    request.parameters.clear();
    return nullptr;
}

// The first route that was added and fits wins. HEAD goes to the handler of GET where it has none
// of its own; the server leaves the body out (RFC 9110 section 9.3.2).
Router::Match Router::find(const std::string& method, const std::string& path) const {
    const std::vector<std::string> segments = split_path(path);
    Match found;
    Parameters parameters;
    for (const Route& route : routes_) {
        if (!match(route.segments, segments, parameters)) {
            continue;
        }
        if (route.finish) {
            found.finish = &route.finish;
            return found;
        }
        found.methods.insert(route.method);
        if (route.method == "GET") {
            found.methods.insert("HEAD");
        }
        const bool stands_in = method == "HEAD" && route.method == "GET";
        if (route.method == method || (stands_in && found.route == nullptr)) {
            found.route = &route;
            found.parameters = std::move(parameters);
        }
        if (route.method == method) {
            return found;
        }
    }
    return found;
}

void Router::dispatch(Request request, Responder respond) const {
    if (!request.path.starts_with('/')) {
        respond(Response::problem(400, "the request's target must be a path that begins with /"));
        return;
    }
    Match found = find(request.method, request.path);
    if (found.route != nullptr) {
        request.parameters = std::move(found.parameters);
        found.route->handler(request, std::move(respond));
        return;
    }
    if (found.methods.empty()) {
        respond(Response::problem(404, "there is nothing at this path"));
        return;
    }
    found.methods.insert("OPTIONS");
    const std::string allowed = join_methods(found.methods);
    Response response =
        request.method == "OPTIONS"
            ? Response{.status = 204, .headers = {}, .body = {}}
            : Response::problem(405, "this path takes " + allowed + ", not " + request.method);
    response.headers.emplace("Allow", allowed);
    if (found.finish != nullptr) {
        (*found.finish)(std::move(response), std::move(respond));
        return;
    }
    respond(std::move(response));
}

void Router::refuse(const std::string& path, Response refusal, Responder respond) const {
    const Match found = path.starts_with('/') ? find({}, path) : Match{};
    if (found.finish != nullptr) {
        (*found.finish)(std::move(refusal), std::move(respond));
        return;
    }
    respond(std::move(refusal));
}

std::vector<std::string> Router::routes() const {
    std::vector<std::string> names;
    names.reserve(routes_.size());
    for (const Route& route : routes_) {
        if (!route.finish) {
            names.push_back(route.method + " /" + join_from(route.segments, 0));
        }
    }
    return names;
}

}  // namespace isthmus::http
