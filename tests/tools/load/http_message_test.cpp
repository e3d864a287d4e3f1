#include "tools/load/http_message.h"

#include <gtest/gtest.h>

namespace isthmus::load {
namespace {

TEST(NodeUrl, IsReadWithAndWithoutPort) {
    EXPECT_EQ(parse_node_url("http://127.0.0.1:8080").value().port, 8080);
    EXPECT_EQ(parse_node_url("http://node.example/").value().port, 80);
    EXPECT_EQ(parse_node_url("http://node.example/").value().host, "node.example");
    EXPECT_EQ(parse_node_url("http://127.0.0.1:8080").value().text, "127.0.0.1:8080");
    EXPECT_FALSE(parse_node_url("http://127.0.0.1:8080").value().secure);
    EXPECT_TRUE(parse_node_url("https://node.example").value().secure);
    EXPECT_EQ(parse_node_url("https://node.example").value().port, 443);
    EXPECT_EQ(parse_node_url("https://node.example:8443").value().port, 8443);
}

TEST(NodeUrl, RefusesWhatIsNone) {
    for (const char* url : {"",
                            "127.0.0.1:8080",
                            "https://",
                            "ftp://node",
                            "http://",
                            "http://:80",
                            "http://node:port",
                            "http://node:70000",
                            "http://node/path",
                            "http://a@node"}) {
        EXPECT_FALSE(parse_node_url(url)) << url;
    }
}

TEST(HttpRequest, NamesHostAndLength) {
    const std::string text = write_http_request({.method = "POST",
                                                 .target = "/whep/demo",
                                                 .headers = {{"Content-Type", "application/sdp"}},
                                                 .body = "v=0"},
                                                {.host = "node", .port = 80, .text = "node"});
    EXPECT_EQ(text,
              "POST /whep/demo HTTP/1.1\r\nHost: node\r\nContent-Length: 3\r\n"
              "Content-Type: application/sdp\r\n\r\nv=0");
}

TEST(HttpLocation, IsAPathOrAUrl) {
    EXPECT_EQ(path_of_location("/whep/demo/s1"), "/whep/demo/s1");
    EXPECT_EQ(path_of_location("http://node:80/whep/demo/s1"), "/whep/demo/s1");
    EXPECT_EQ(path_of_location("http://node"), "/");
    EXPECT_EQ(path_of_location("s1"), "");
    EXPECT_EQ(path_of_location("/a b"), "");
}

constexpr std::string_view kCreated =
    "HTTP/1.1 201 Created\r\nLocation: /whep/demo/s1\r\nContent-Length: 3\r\n\r\nv=0";

TEST(HttpResponseReader, TakesAnAnswerInPiecesOfAnySize) {
    for (std::size_t piece = 1; piece <= kCreated.size(); ++piece) {
        HttpResponseReader reader;
        bool whole = false;
        for (std::size_t at = 0; at < kCreated.size(); at += piece) {
            ASSERT_FALSE(whole);
            const auto pushed = reader.push(kCreated.substr(at, piece));
            ASSERT_TRUE(pushed);
            whole = *pushed;
        }
        ASSERT_TRUE(whole) << piece;
        const auto response = reader.take();
        EXPECT_EQ(response.status, 201U);
        EXPECT_EQ(response.body, "v=0");
        EXPECT_EQ(response.headers.find("location")->second, "/whep/demo/s1");
        EXPECT_TRUE(reader.keep_alive());
        EXPECT_FALSE(reader.started());
    }
}

TEST(HttpResponseReader, ReadsOneAnswerAfterTheOther) {
    HttpResponseReader reader;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(reader.push(kCreated).value());
        EXPECT_EQ(reader.take().status, 201U);
    }
}

TEST(HttpResponseReader, SkipsInterimAnswers) {
    HttpResponseReader reader;
    EXPECT_FALSE(reader.push("HTTP/1.1 100 Continue\r\n\r\n").value());
    EXPECT_TRUE(reader.push(kCreated).value());
    EXPECT_EQ(reader.take().status, 201U);
}

TEST(HttpResponseReader, SeesThatAConnectionIsNotKept) {
    HttpResponseReader reader;
    EXPECT_TRUE(
        reader.push("HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").value());
    EXPECT_EQ(reader.take().status, 503U);
    EXPECT_FALSE(reader.keep_alive());
}

TEST(HttpResponseReader, ReadsABodyThatEndsWithTheConnection) {
    HttpResponseReader reader;
    EXPECT_FALSE(reader.push("HTTP/1.1 200 OK\r\n\r\nhal").value());
    EXPECT_FALSE(reader.push("lo").value());
    EXPECT_TRUE(reader.end().value());
    EXPECT_EQ(reader.take().body, "hallo");
}

TEST(HttpResponseReader, RefusesWhatIsNoHttpAndWhatIsTooLarge) {
    HttpResponseReader reader;
    EXPECT_EQ(reader.push("SSH-2.0-OpenSSH\r\n\r\n").error(), HttpReadError::kMalformed);
    HttpResponseReader large;
    EXPECT_EQ(large.push("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n").error(),
              HttpReadError::kTooLarge);
    HttpResponseReader cut;
    EXPECT_FALSE(cut.push("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").value());
    EXPECT_FALSE(cut.end());
}

}  // namespace
}  // namespace isthmus::load
