// One HTTP request to a node, over HTTP or HTTPS, with a limit on time and size.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace isthmus::ctl {

struct HttpClientConfig {
    std::string base_url;         // "http://127.0.0.1:8080"
    std::string authorization{};  // value of the Authorization header, or empty
    std::string ca_file{};        // PEM; empty: the system's authorities
    bool insecure = false;        // do not check the HTTPS certificate
    Duration timeout = std::chrono::seconds(10);
};

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

// `path` begins with '/' and is encoded already; a body is JSON. kInvalidArgument for a bad URL,
// kUnavailable where the node does not answer.
[[nodiscard]] Result<HttpAnswer> http_request(const HttpClientConfig& config,
                                              std::string_view method,
                                              const std::string& path,
                                              std::string body = {});

// What the status of an answer that is no success means.
[[nodiscard]] ErrorCode error_of_status(unsigned status);

// HTTP Basic (RFC 7617): the operator's way in.
[[nodiscard]] std::string basic_authorization(std::string_view key, std::string_view secret);

}  // namespace isthmus::ctl
