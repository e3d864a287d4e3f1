#include "base/http/message.h"

#include <algorithm>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/http/utf8.h"

namespace isthmus::http {
namespace {

constexpr std::string_view kScheme = "bearer ";  // RFC 6750 section 2.1

[[nodiscard]] char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] bool equal_without_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

// RFC 9110 section 15, for the statuses that the node sends.
[[nodiscard]] std::string_view title_of(unsigned status) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 426:
            return "Upgrade Required";
        case 428:
            return "Precondition Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        default:
            return status < 500 ? "Request Failed" : "Server Error";
    }
}

[[nodiscard]] unsigned status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument:
            return 400;
        case ErrorCode::kNotFound:
            return 404;
        case ErrorCode::kConflict:
            return 409;
        case ErrorCode::kPermissionDenied:
            return 403;
        case ErrorCode::kUnauthenticated:
            return 401;
        case ErrorCode::kLimitExceeded:
            return 429;
        case ErrorCode::kUnavailable:
            return 503;
        case ErrorCode::kInternal:
            return 500;
    }
    return 500;
}

}  // namespace

bool HeaderLess::operator()(std::string_view a, std::string_view b) const {
    return std::ranges::lexicographical_compare(a, b, {}, to_lower, to_lower);
}

std::string_view Request::header(std::string_view name) const {
    // A multimap's find() may give any of several equal keys; lower_bound() gives the first.
    const auto found = headers.lower_bound(name);
    if (found == headers.end() || !equal_without_case(found->first, name)) {
        return {};
    }
    return found->second;
}

std::string_view Request::bearer_token() const {
    std::string_view value = header("Authorization");
    if (value.size() < kScheme.size() ||
        !equal_without_case(value.substr(0, kScheme.size()), kScheme)) {
        return {};
    }
    value.remove_prefix(kScheme.size());
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    const std::size_t last = value.find_last_not_of(" \t");
    return last == std::string_view::npos ? std::string_view{} : value.substr(0, last + 1);
}

Response Response::text(unsigned status, std::string body) {
    Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.emplace("Content-Type", "text/plain; charset=utf-8");
    return response;
}

Response Response::json(unsigned status, std::string body) {
    Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.emplace("Content-Type", "application/json");
    return response;
}

Response Response::problem(unsigned status, std::string_view detail) {
    boost::json::object members;
    members["type"] = "about:blank";
    members["title"] = title_of(status);
    members["status"] = status;
    members["detail"] = repair_utf8(detail);
    Response response{
        .status = status, .headers = {}, .body = boost::json::serialize(members) + "\n"};
    response.headers.emplace("Content-Type", "application/problem+json");
    return response;
}

Response Response::problem(const Error& error) {
    Response response = problem(status_of(error.code), error.message);
    if (error.code == ErrorCode::kUnauthenticated) {
        response.headers.emplace("WWW-Authenticate", "Bearer");
    }
    return response;
}

}  // namespace isthmus::http
