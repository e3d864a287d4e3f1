// What the agent asks of the node on its machine, over the node's own API.
//
// On one io_context's thread. The key is one of the node's own configuration, read anew when the
// file changes: the agent's, or the first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/json/value.hpp>

#include "base/error.h"
#include "base/http/client.h"
#include "base/http/credentials.h"

namespace isthmus::agent {

// The agent's own among a node's API keys.
inline constexpr const char* kAgentKeyName = "isthmus-agent";

// kNotFound where the file has no key; nothing else of it is looked at.
[[nodiscard]] Result<http::Credentials> read_node_key(const std::filesystem::path& configuration);

class NodeApi {
  public:
    using Answer = std::move_only_function<void(Result<boost::json::value>)>;

    [[nodiscard]] static Result<std::unique_ptr<NodeApi>> make(boost::asio::io_context& io,
                                                               std::string url,
                                                               std::filesystem::path configuration);

    // Whether the process serves; needs no key.
    void ask_health(Answer answer);
    // {"name","version"}
    void ask_version(Answer answer);
    // {"mode","conferences","participants","ends_at"}
    void ask_maintenance(Answer answer);
    // {"conferences":[{"id","name","participants",...}]}
    void ask_conferences(Answer answer);
    // `request`: {"mode":"on"|"off","deadline_s"}
    void set_maintenance(const boost::json::value& request, Answer answer);

  private:
    NodeApi(std::string url, std::filesystem::path configuration)
        : url_(std::move(url)), configuration_(std::move(configuration)) {}

    void send(const char* method, const char* path, std::string body, Answer answer);
    [[nodiscard]] std::string authorization();

    std::string url_;
    std::filesystem::path configuration_;
    std::filesystem::file_time_type read_at_{};
    std::string authorization_;
    std::unique_ptr<http::Client> client_;
};

}  // namespace isthmus::agent
