// isthmus-connector-example: a small connector, written against docs/connectors.md and nothing else
// of this repository. It takes a configuration, emits one event for each number that it counts to,
// asks the hub something, and answers when it is asked how it does.
//
// It reads and writes plainly, one message after another: a connector needs no more than a socket
// and JSON.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include <boost/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

namespace json = boost::json;

class AgentSocket {
  public:
    ~AgentSocket() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }

    AgentSocket() = default;
    AgentSocket(const AgentSocket&) = delete;
    AgentSocket& operator=(const AgentSocket&) = delete;

    bool connect(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) {
            return false;
        }
        std::memcpy(address.sun_path, path.data(), path.size());
        descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return descriptor_ >= 0 &&
               ::connect(
                   descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }

    // Where the agent is gone, receive() says so.
    void send(const json::value& message) const {
        const std::string line = json::serialize(message) + "\n";
        std::size_t sent = 0;
        while (sent < line.size()) {
            const ssize_t size =
                ::send(descriptor_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
            if (size <= 0) {
                return;
            }
            sent += static_cast<std::size_t>(size);
        }
    }

    // The next message; nothing when the agent is gone.
    std::optional<json::object> receive() {
        std::size_t end = 0;
        while ((end = received_.find('\n')) == std::string::npos) {
            char buffer[4096];
            const ssize_t size = ::recv(descriptor_, buffer, sizeof buffer, 0);
            if (size <= 0) {
                return std::nullopt;
            }
            received_.append(buffer, static_cast<std::size_t>(size));
        }
        boost::system::error_code failure;
        json::value message = json::parse(received_.substr(0, end), failure);
        received_.erase(0, end + 1);
        return failure || !message.is_object() ? json::object() : std::move(message.as_object());
    }

  private:
    int descriptor_ = -1;
    std::string received_;
};

class Example {
  public:
    Example(AgentSocket& agent, std::string token) : agent_(&agent), token_(std::move(token)) {}

    // Until the agent is gone.
    void run() {
        request("hello",
                {{"token", token_}, {"name", "example"}, {"version", "1.0.0"}, {"contract", 1}});
        while (const auto message = agent_->receive()) {
            if (message->contains("method")) {
                handle(*message);
            } else if (const auto* const error = message->if_contains("error")) {
                std::fprintf(stderr, "refused: %s\n", json::serialize(*error).c_str());
            } else if (const auto* const result = message->if_contains("result");
                       result != nullptr && message->at("id") == asked_) {
                notify("log",
                       {{"level", "info"}, {"message", "the hub: " + json::serialize(*result)}});
            }
        }
    }

  private:
    std::int64_t request(const char* method, const json::object& params) {
        const std::int64_t id = ++last_id_;
        agent_->send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
        return id;
    }

    void notify(const char* method, const json::object& params) {
        agent_->send({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
    }

    void answer(const json::object& request, const json::value& result) {
        agent_->send({{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"result", result}});
    }

    void handle(const json::object& message) {
        const json::string& method = message.at("method").as_string();
        if (method == "configure") {
            configure(message);
        } else if (method == "status") {
            answer(message,
                   {{"health", "operational"}, {"detail", "counted to " + std::to_string(count_)}});
        } else {
            agent_->send({{"jsonrpc", "2.0"},
                          {"id", message.at("id")},
                          {"error", {{"code", -32601}, {"message", "there is no such method"}}}});
        }
    }

    void configure(const json::object& message) {
        const json::value& configuration = message.at("params").at("configuration");
        const std::string greeting(configuration.at("greeting").as_string());
        if (greeting == "refuse me") {
            // What no schema can say, a connector says itself.
            agent_->send({{"jsonrpc", "2.0"},
                          {"id", message.at("id")},
                          {"error", {{"code", -32602}, {"message", "this greeting is rude"}}}});
            return;
        }
        const json::value* const count = configuration.as_object().if_contains("count_to");
        const std::int64_t last = count == nullptr ? 3 : count->to_number<std::int64_t>();
        answer(message, json::object());
        notify("log", {{"level", "info"}, {"message", greeting}});
        notify("status", {{"health", "operational"}, {"detail", greeting}});
        for (count_ = 0; count_ < last;) {
            ++count_;
            request("event", {{"kind", "example.counted"}, {"body", {{"number", count_}}}});
        }
        // Kept for whoever counts after us, here or on another node of the cluster.
        request("hub.call",
                {{"method", "state.put"}, {"params", {{"key", "counted"}, {"value", count_}}}});
        asked_ = request("hub.call", {{"method", "state.get"}, {"params", {{"key", "counted"}}}});
    }

    AgentSocket* agent_;
    std::string token_;
    std::int64_t last_id_ = 0;
    std::int64_t asked_ = -1;
    std::int64_t count_ = 0;
};

}  // namespace

int main() {
    // NOLINTBEGIN(concurrency-mt-unsafe): there are no threads
    const char* const path = std::getenv("ISTHMUS_AGENT_SOCKET");
    const char* const token = std::getenv("ISTHMUS_CONNECTOR_TOKEN");
    // NOLINTEND(concurrency-mt-unsafe)
    AgentSocket agent;
    if (path == nullptr || token == nullptr || !agent.connect(path)) {
        std::fputs("isthmus-connector-example is started by isthmus-agent, not by hand\n", stderr);
        return EXIT_FAILURE;
    }
    Example(agent, token).run();
    return EXIT_SUCCESS;
}
