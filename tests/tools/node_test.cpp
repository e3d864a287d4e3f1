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
#include "signaling/http/token.h"
#include "tests/signaling/scripted_switchboard.h"
#include "tools/node/dev_token.h"

namespace isthmus::node {
namespace {

namespace fs = std::filesystem;

class NodeTest : public testing::Test {
  public:
    ~NodeTest() override {
        node.reset();
        fs::remove_all(state_directory_);
    }

  protected:
    NodeTest() {
        std::string pattern = (fs::temp_directory_path() / "isthmus_node_XXXXXX").string();
        state_directory_ = ::mkdtemp(pattern.data());
    }

    NodeOptions options(bool dev) {
        NodeOptions options;
        options.dev = dev;
        options.config.http.listen = {{.ip = "127.0.0.1", .port = 0}};
        options.config.http.tls_listen = {{.ip = "127.0.0.1", .port = 0}};
        options.config.state_directory = state_directory_;
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

    std::string state_directory_;
    boost::asio::io_context io;
    std::unique_ptr<Node> node;
    std::move_only_function<void()> media_done;
};

TEST_F(NodeTest, StartsWithACertificateOfItsOwn) {
    start(options(false));
    EXPECT_EQ(node->listeners().size(), 2U);
    EXPECT_TRUE(fs::exists(fs::path(state_directory_) / "https.key"));
    EXPECT_EQ(node->media_ports(), std::vector<std::uint16_t>{5004});
    node->reload();
}

TEST_F(NodeTest, EndsWhenAllPartsHaveSaidGoodbye) {
    start(options(false));
    bool ended = false;
    node->shut_down([&] { ended = true; });
    io.poll();
    EXPECT_FALSE(ended);
    ASSERT_TRUE(media_done);
    media_done();
    EXPECT_TRUE(ended);
}

TEST_F(NodeTest, EndsWithinTheGraceEvenIfMediaHangs) {
    NodeOptions chosen = options(false);
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
    NodeOptions chosen = options(false);
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

TEST_F(NodeTest, HandsOutTokensInDevelopmentOnly) {
    start(options(false));
    const auto has_dev = [&] {
        return std::ranges::any_of(
            node->routes(), [](const std::string& route) { return route.contains("/dev/"); });
    };
    EXPECT_FALSE(has_dev());
    start(options(true));
    EXPECT_TRUE(has_dev());
}

// docs/openapi.yaml describes the routes of a node without --dev, the pages apart.
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
                std::string method = operation.key;
                std::ranges::transform(method, method.begin(), [](char c) {
                    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
                });
                described.insert(method + " " + path.key);
            }
        }
    }
    start(options(false));
    std::set<std::string> registered;
    for (const std::string& route : node->routes()) {
        if (route != "GET /*") {
            registered.insert(route);
        }
    }
    EXPECT_GT(registered.size(), 15U);
    EXPECT_EQ(registered, described);
}

signaling::http::Response ask(std::map<std::string, std::string, std::less<>> query) {
    constexpr std::int64_t kNow = 1'800'000'000;
    signaling::http::Router router;
    add_dev_token_route(router, [] { return kNow; });
    signaling::http::Request request;
    request.method = "GET";
    request.path = "/dev/token";
    request.query = std::move(query);
    signaling::http::Response answer;
    router.dispatch(std::move(request),
                    [&](signaling::http::Response response) { answer = std::move(response); });
    return answer;
}

TEST(DevToken, IsGoodForWhatWasAskedFor) {
    const auto answer = ask({{"conference", "demo"}, {"identity", "alice"}, {"publish", "0"}});
    ASSERT_EQ(answer.status, 200U) << answer.body;
    const auto json = boost::json::parse(answer.body);
    const auto token =
        signaling::http::verify_token(std::string_view(json.at("token").as_string()),
                                      {{std::string(kDevKey), std::string(kDevSecret)}},
                                      1'800'000'100);
    ASSERT_TRUE(token) << token.error().message;
    EXPECT_EQ(token->identity, "alice");
    EXPECT_EQ(token->video.room, "demo");
    EXPECT_TRUE(token->video.room_join);
    EXPECT_FALSE(token->video.can_publish);
    EXPECT_TRUE(token->video.can_subscribe);
}

TEST(DevToken, NeedsNames) {
    EXPECT_EQ(ask({}).status, 400U);
    EXPECT_EQ(ask({{"conference", "demo"}}).status, 400U);
    EXPECT_EQ(ask({{"conference", "demo"}, {"identity", "\xff"}}).status, 400U);
}

}  // namespace
}  // namespace isthmus::node
