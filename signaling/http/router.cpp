#include <algorithm>
#include <set>

#include "base/check.h"
#include "signaling/http/message.h"

namespace isthmus::signaling::http {
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
                       .handler = std::move(handler)});
}

// The first route that was added and fits wins. HEAD goes to the handler of GET where it has none
// of its own; the server leaves the body out (RFC 9110 section 9.3.2).
void Router::dispatch(Request request, Responder respond) const {
    if (!request.path.starts_with('/')) {
        respond(Response::problem(400, "the request's target must be a path that begins with /"));
        return;
    }
    const std::vector<std::string> path = split_path(request.path);
    std::set<std::string> allowed;
    const Route* get_route = nullptr;
    Parameters parameters;
    for (const Route& route : routes_) {
        if (!match(route.segments, path, parameters)) {
            continue;
        }
        if (route.method == request.method) {
            request.parameters = std::move(parameters);
            route.handler(request, std::move(respond));
            return;
        }
        allowed.insert(route.method);
        if (route.method == "GET" && get_route == nullptr) {
            get_route = &route;
            allowed.insert("HEAD");
            request.parameters = parameters;
        }
    }
    if (allowed.empty()) {
        respond(Response::problem(404, "there is nothing at this path"));
        return;
    }
    if (request.method == "HEAD" && get_route != nullptr) {
        get_route->handler(request, std::move(respond));
        return;
    }
    allowed.insert("OPTIONS");
    Response response =
        request.method == "OPTIONS"
            ? Response{.status = 204, .headers = {}, .body = {}}
            : Response::problem(405, "this path does not know the method " + request.method);
    response.headers.emplace("Allow", join_methods(allowed));
    respond(std::move(response));
}

std::vector<std::string> Router::routes() const {
    std::vector<std::string> names;
    names.reserve(routes_.size());
    for (const Route& route : routes_) {
        names.push_back(route.method + " /" + join_from(route.segments, 0));
    }
    return names;
}

}  // namespace isthmus::signaling::http
