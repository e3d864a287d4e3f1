// A connector that breaks the contract, each time in the way that its argument names.

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include <boost/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::string variable(const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

int connect_to_agent() {
    const std::string path = variable("ISTHMUS_AGENT_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (descriptor < 0 ||
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::_Exit(3);
    }
    return descriptor;
}

void say(int descriptor, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t size =
            ::send(descriptor, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) {
            return;
        }
        sent += static_cast<std::size_t>(size);
    }
}

std::string hello(const std::string& token) {
    return boost::json::serialize(boost::json::object{
               {"jsonrpc", "2.0"},
               {"id", 1},
               {"method", "hello"},
               {"params",
                {{"token", token}, {"name", "hostile"}, {"version", "1"}, {"contract", 1}}}}) +
           "\n";
}

[[noreturn]] void wait_for_ever() {
    while (true) {
        ::pause();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string how = argc > 1 ? argv[1] : "";
    const std::string token = variable("ISTHMUS_CONNECTOR_TOKEN");
    if (how == "never-connects") {
        wait_for_ever();
    }
    if (how == "child-connects") {
        // Not the process that was started: it must be turned away.
        if (::fork() == 0) {
            say(connect_to_agent(), hello(token));
            wait_for_ever();
        }
        wait_for_ever();
    }
    const int agent = connect_to_agent();
    if (how == "wrong-token") {
        say(agent, hello(token + "x"));
    } else if (how == "garbage") {
        say(agent, hello(token) + "this is no JSON\n");
    } else if (how == "long") {
        say(agent, hello(token) + std::string(1'000'000, ' '));
    } else if (how == "flood") {
        std::string all = hello(token);
        for (int i = 0; i < 5000; ++i) {
            all += "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"message\":\"x\"}}\n";
        }
        say(agent, all);
    } else if (how == "twice") {
        say(agent, hello(token));
        say(connect_to_agent(), hello(token));
    } else if (how == "no-answer") {
        say(agent, hello(token));
    } else if (how == "asks-too-much") {
        say(agent,
            hello(token) +
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"hub.call\",\"params\":{\"method\":"
                "\"node.remove\"}}\n");
    }
    wait_for_ever();
}
