#include "tools/agent/node_api.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include "base/config_reader.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

// Ten thousand conferences.
constexpr std::size_t kAnswerBytesMax = 4UL * 1024 * 1024;

Result<json::value> read_answer(Result<http::Response> response) {
    if (!response) {
        return std::unexpected(response.error());
    }
    auto value = channel::parse_json(response->body, kAnswerBytesMax);
    if (response->status < 200 || response->status > 299) {
        const auto detail = value ? channel::text_field(*value, "detail") : std::nullopt;
        return make_error(
            response->status == 401 || response->status == 403 ? ErrorCode::kPermissionDenied
                                                               : ErrorCode::kUnavailable,
            fmt::format("the node answers {}{}", response->status, detail ? ": " + *detail : ""));
    }
    return value ? std::move(*value) : json::value(nullptr);
}

}  // namespace

Result<http::Credentials> read_node_key(const std::filesystem::path& configuration) {
    std::ifstream file(configuration);
    const auto root =
        parse_config({std::istreambuf_iterator<char>(file), {}}, configuration.string());
    if (!root) {
        return std::unexpected(root.error());
    }
    const auto keys = std::ranges::find(root->children, "keys", &ConfigNode::key);
    if (keys == root->children.end() || keys->children.empty()) {
        return make_error(ErrorCode::kNotFound,
                          configuration.string() + " has no key of which the agent could make use");
    }
    const auto ours = std::ranges::find(keys->children, kAgentKeyName, &ConfigNode::key);
    const ConfigNode& key = ours == keys->children.end() ? keys->children.front() : *ours;
    return http::Credentials{.user = key.key, .password = key.scalar};
}

Result<std::unique_ptr<NodeApi>> NodeApi::make(boost::asio::io_context& io,
                                               std::string url,
                                               std::filesystem::path configuration) {
    while (url.ends_with('/')) {
        url.pop_back();
    }
    std::unique_ptr<NodeApi> made(
        new NodeApi(std::move(url), std::move(configuration)));  // NOLINT(*-owning-memory): private
    auto client = http::Client::make(
        io, {.time = std::chrono::seconds(5), .answer_bytes_max = kAnswerBytesMax});
    if (!client) {
        return std::unexpected(client.error());
    }
    made->client_ = std::move(*client);
    return made;
}

std::string NodeApi::authorization() {
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(configuration_, error);
    if (error || changed != read_at_ || authorization_.empty()) {
        const auto key = read_node_key(configuration_);
        authorization_ = key ? http::basic_authorization(*key) : std::string();
        read_at_ = changed;
    }
    return authorization_;
}

void NodeApi::send(const char* method, const char* path, std::string body, Answer answer) {
    http::ClientRequest request{
        .method = method, .url = url_ + path, .headers = {}, .body = std::move(body)};
    if (const std::string value = authorization(); !value.empty()) {
        request.headers.emplace("Authorization", value);
    }
    if (!request.body.empty()) {
        request.headers.emplace("Content-Type", "application/json");
    }
    client_->send(std::move(request),
                  [answer = std::move(answer)](Result<http::Response> response) mutable {
                      answer(read_answer(std::move(response)));
                  });
}

void NodeApi::ask_health(Answer answer) {
    send("GET", "/healthz", {}, std::move(answer));
}

void NodeApi::ask_version(Answer answer) {
    send("GET", "/api/v1/version", {}, std::move(answer));
}

void NodeApi::ask_maintenance(Answer answer) {
    send("GET", "/api/v1/maintenance", {}, std::move(answer));
}

void NodeApi::ask_conferences(Answer answer) {
    send("GET", "/api/v1/conferences", {}, std::move(answer));
}

void NodeApi::set_maintenance(const json::value& request, Answer answer) {
    send("PUT", "/api/v1/maintenance", json::serialize(request), std::move(answer));
}

}  // namespace isthmus::agent
