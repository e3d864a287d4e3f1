// The composition, with scripted media in place of the workers.
#include "tools/node/node.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/config_reader.h"
#include "signaling/access/token.h"
#include "tests/signaling/scripted_switchboard.h"
#include "tests/temporary_folder.h"
#include "tools/node/join_endpoint.h"

namespace isthmus::node {
namespace {

namespace fs = std::filesystem;

class NodeTest : public testing::Test {
  protected:
    NodeOptions options() {
        NodeOptions options;
        options.config.http.listen = {{.ip = "127.0.0.1", .port = 0}};
        options.config.http.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
        options.config.state_directory = state_.path();
        options.config.keys = {{"key", "0123456789abcdef0123456789abcdef"}};
        return options;
    }

    void start(NodeOptions chosen) {
        auto started =
            Node::start(io, std::move(chosen), [this](const NodeConfig&, const TaskExecutor&) {
                MediaPlane plane;
                plane.switchboard = std::make_unique<signaling::ScriptedSwitchboard>();
                plane.ports = {5004};
                plane.shut_down = [this](std::move_only_function<void()> done) {
                    media_done = std::move(done);
                };
                return Result<MediaPlane>(std::move(plane));
            });
        ASSERT_TRUE(started.has_value()) << started.error().message;
        node = std::move(*started);
    }

    isthmus::TemporaryFolder state_;  // outlives the node
    boost::asio::io_context io;
    std::unique_ptr<Node> node;
    std::move_only_function<void()> media_done;
};

TEST_F(NodeTest, StartsWithACertificateOfItsOwn) {
    start(options());
    EXPECT_EQ(node->listeners().size(), 2U);
    EXPECT_TRUE(fs::exists(state_.path() / "https.key"));
    EXPECT_EQ(node->media_ports(), std::vector<std::uint16_t>{5004});
    node->reload();
}

TEST_F(NodeTest, EndsWhenAllPartsHaveSaidGoodbye) {
    start(options());
    bool ended = false;
    node->shut_down([&] { ended = true; });
    io.poll();
    EXPECT_FALSE(ended);
    ASSERT_TRUE(media_done);
    media_done();
    EXPECT_TRUE(ended);
}

TEST_F(NodeTest, EndsWithinTheGraceEvenIfMediaHangs) {
    NodeOptions chosen = options();
    chosen.config.shutdown_grace = std::chrono::milliseconds(1);
    start(std::move(chosen));
    bool ended = false;
    node->shut_down([&] {
        ended = true;
        io.stop();
    });
    io.run();
    EXPECT_TRUE(ended);
}

TEST_F(NodeTest, SaysWhatIsInTheWay) {
    NodeOptions chosen = options();
    chosen.config.http.certificate = "/nonexistent/cert.pem";
    chosen.config.http.key = "/nonexistent/key.pem";
    const auto failed =
        Node::start(io, std::move(chosen), [](const NodeConfig&, const TaskExecutor&) {
            MediaPlane plane;
            plane.switchboard = std::make_unique<signaling::ScriptedSwitchboard>();
            return Result<MediaPlane>(std::move(plane));
        });
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().message.contains("/nonexistent/cert.pem"));
}

TEST_F(NodeTest, LetsNobodyInFromThePageUnlessConfigured) {
    const auto lets_in = [&] {
        return std::ranges::any_of(
            node->routes(), [](const std::string& route) { return route.ends_with("/join"); });
    };
    start(options());
    EXPECT_FALSE(lets_in());
    NodeOptions chosen = options();
    chosen.config.join_key = "key";
    start(std::move(chosen));
    EXPECT_TRUE(lets_in());
}

std::string in_capitals(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    });
    return text;
}

// docs/openapi.yaml describes the routes of a node that lets visitors in, the pages apart, and what
// LiveKit's .proto files describe.
TEST_F(NodeTest, HasTheRoutesThatTheOpenApiFileDescribes) {
    std::ifstream file("docs/openapi.yaml");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto root = parse_config(text, "docs/openapi.yaml");
    ASSERT_TRUE(root) << root.error().message;
    std::set<std::string> described;
    const auto paths = std::ranges::find(root->children, "paths", &ConfigNode::key);
    ASSERT_NE(paths, root->children.end());
    for (const ConfigNode& path : paths->children) {
        for (const ConfigNode& operation : path.children) {
            if (operation.key != "parameters") {
                described.insert(in_capitals(operation.key) + " " + path.key);
            }
        }
    }
    NodeOptions chosen = options();
    chosen.config.join_key = "key";
    start(std::move(chosen));
    std::set<std::string> registered;
    for (const std::string& route : node->routes()) {
        if (route != "GET /*" && route != "GET /meet/{conference}" &&
            !route.starts_with("POST /twirp/")) {
            registered.insert(route);
        }
    }
    EXPECT_GT(registered.size(), 15U);
    EXPECT_EQ(registered, described);
}

http::Response ask(std::string path, std::string body) {
    constexpr std::int64_t kNow = 1'800'000'000;
    http::Router router;
    add_join_route(
        router,
        {.key = std::string(kDevKey), .secret = std::string(kDevSecret)},
        [] { return kNow; },
        [] { return std::string("Ab3"); });
    http::Request request;
    request.method = "POST";
    request.path = std::move(path);
    request.body = std::move(body);
    http::Response answer;
    router.dispatch(std::move(request),
                    [&](http::Response response) { answer = std::move(response); });
    return answer;
}

TEST(JoinEndpoint, LetsWhoeverSaysANameIntoThatConferenceOnly) {
    const auto answer = ask("/meet/demo/join", R"({"name": "Zoë O. Deutsch"})");
    ASSERT_EQ(answer.status, 200U) << answer.body;
    const auto json = boost::json::parse(answer.body);
    const auto token =
        signaling::access::verify_token(std::string_view(json.at("token").as_string()),
                                        {{std::string(kDevKey), std::string(kDevSecret)}},
                                        1'800'000'100);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->identity, "zo-o-deutsch-Ab3");
    EXPECT_EQ(json.at("identity").as_string(), "zo-o-deutsch-Ab3");
    EXPECT_EQ(token->name, "Zoë O. Deutsch");
    EXPECT_EQ(token->video.room, "demo");
    EXPECT_TRUE(token->video.room_join);
    EXPECT_FALSE(token->video.room_admin);
    EXPECT_FALSE(token->video.room_create);
}

TEST(JoinEndpoint, MakesAnIdentityOfAnyName) {
    const auto answer = ask("/meet/demo/join", R"({"name": "誰か"})");
    ASSERT_EQ(answer.status, 200U);
    EXPECT_EQ(boost::json::parse(answer.body).at("identity").as_string(), "Ab3");
}

TEST(JoinEndpoint, SaysWhatItCannotRead) {
    for (const std::string body :
         {"", "{}", "[]", R"({"name": 7})", R"({"name": ""})", "{\"name\": \"\xff\"}"}) {
        EXPECT_EQ(ask("/meet/demo/join", body).status, 400U) << body;
    }
    EXPECT_EQ(ask("/meet/demo/join", R"({"name": ")" + std::string(129, 'a') + R"("})").status,
              400U);
    EXPECT_EQ(ask("/meet/" + std::string(257, 'a') + "/join", R"({"name": "a"})").status, 400U);
}

}  // namespace
}  // namespace isthmus::node
