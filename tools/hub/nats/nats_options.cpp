#include "tools/hub/nats/nats_options.h"

#include <algorithm>
#include <system_error>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <spdlog/fmt/fmt.h>

namespace isthmus::hub {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> wrong(std::string message) {
    return make_error(ErrorCode::kInvalidArgument, std::move(message));
}

Result<void> check_server(const std::string& server) {
    const auto url = boost::urls::parse_uri(server);
    const bool good = url && (url->scheme() == "nats" || url->scheme() == "tls") &&
                      !url->encoded_host().empty() && url->encoded_path().size() <= 1 &&
                      !url->has_query() && !url->has_fragment();
    if (!good) {
        return wrong(
            fmt::format("\"{}\" is no address of a NATS server; write e.g. nats://10.0.0.1:4222 or "
                        "tls://nats.example:4222",
                        shown_server(server)));
    }
    // The library sends it as it stands.
    if (url->encoded_userinfo().contains("%")) {
        return wrong(
            "user or password in a NATS server's address are escaped; give them as "
            "ISTHMUS_HUB_NATS_USER and ISTHMUS_HUB_NATS_PASSWORD instead");
    }
    return {};
}

Result<void> check_file(const fs::path& file) {
    std::error_code error;
    if (!file.empty() && !fs::is_regular_file(file, error)) {
        return wrong(fmt::format("{} is no file", file.string()));
    }
    return {};
}

bool is_subject(std::string_view text) {
    const bool characters = std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '_' || c == '.';
    });
    return characters && !text.empty() && text.front() != '.' && text.back() != '.' &&
           !text.contains("..");
}

}  // namespace

bool NatsOptions::wants_tls() const {
    return !ca.empty() || !certificate.empty() ||
           std::ranges::any_of(
               servers, [](const std::string& server) { return server.starts_with("tls://"); });
}

Result<void> check_nats_options(const NatsOptions& options) {
    if (options.servers.empty()) {
        return wrong("there is no NATS server; write e.g. nats://10.0.0.1:4222");
    }
    for (const std::string& server : options.servers) {
        if (const auto good = check_server(server); !good) {
            return good;
        }
    }
    for (const fs::path& file :
         {options.credentials, options.nkey, options.ca, options.certificate, options.key}) {
        if (const auto good = check_file(file); !good) {
            return good;
        }
    }
    if (!options.credentials.empty() && !options.nkey.empty()) {
        return wrong("give NATS credentials or an nkey, not both");
    }
    if (options.certificate.empty() != options.key.empty()) {
        return wrong("a certificate for NATS and its key come together");
    }
    if (options.password.empty() != options.user.empty()) {
        return wrong("a user for NATS and its password come together");
    }
    if (!is_subject(options.subject)) {
        return wrong(fmt::format("\"{}\" is no subject; write e.g. isthmus.hub", options.subject));
    }
    return {};
}

std::string shown_server(std::string_view url) {
    const auto scheme = url.find("://");
    const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto at = url.rfind('@');
    if (at == std::string_view::npos || at < begin) {
        return std::string(url);
    }
    return std::string(url.substr(0, begin)) + std::string(url.substr(at + 1));
}

}  // namespace isthmus::hub
