#include "tools/load/web_socket.h"

#include <string>

#include <gtest/gtest.h>

namespace isthmus::load {
namespace {

using State = WebSocketClient::State;

HttpAuthority authority() {
    return {.host = "node.example", .port = 8080, .text = "node.example:8080"};
}

class WebSocketClientTest : public ::testing::Test {
  protected:
    // With the key that the client asked with.
    std::string answer() {
        const std::string request = client.take_output();
        const std::string name = "Sec-WebSocket-Key: ";
        const std::size_t at = request.find(name);
        EXPECT_NE(at, std::string::npos);
        const std::string key = request.substr(at + name.size(), 24);
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "sec-websocket-accept: " +
               WebSocketClient::accept_of(key) + "\r\n\r\n";
    }

    void open() {
        ASSERT_TRUE(client.push(answer()));
        ASSERT_EQ(client.state(), State::kOpen);
    }

    SeededRandom random{1};
    WebSocketClient client{authority(), "/rtc/v1?a=b", random};
};

// A frame as a server writes it.
std::string frame(int opcode, const std::string& payload, bool last = true) {
    std::string bytes(1, static_cast<char>((last ? 0x80 : 0) | opcode));
    if (payload.size() < 126) {
        bytes.push_back(static_cast<char>(payload.size()));
    } else if (payload.size() < 65536) {
        bytes.push_back(126);
        bytes.push_back(static_cast<char>(payload.size() >> 8U));
        bytes.push_back(static_cast<char>(payload.size() & 0xffU));
    } else {
        bytes.push_back(127);
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes.push_back(
                static_cast<char>((payload.size() >> static_cast<unsigned>(shift)) & 0xffU));
        }
    }
    return bytes + payload;
}

// What a client's frame says, unmasked; up to 125 bytes.
std::string unmasked(const std::string& bytes) {
    EXPECT_GE(bytes.size(), 6U);
    EXPECT_NE(static_cast<unsigned char>(bytes[1]) & 0x80U, 0U) << "it is not masked";
    std::string payload = bytes.substr(6);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        payload[i] = static_cast<char>(payload[i] ^ bytes[2 + i % 4]);
    }
    return payload;
}

// SPEC rfc6455#1.3: its example.
TEST(WebSocketAccept, IsTheHashOfTheKey) {
    EXPECT_EQ(WebSocketClient::accept_of("dGhlIHNhbXBsZSBub25jZQ=="),
              "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_F(WebSocketClientTest, AsksForAnUpgrade) {
    const std::string request = client.take_output();
    EXPECT_TRUE(request.starts_with("GET /rtc/v1?a=b HTTP/1.1\r\nHost: node.example:8080\r\n"));
    EXPECT_TRUE(request.contains("\r\nSec-WebSocket-Version: 13\r\n"));
    EXPECT_TRUE(request.ends_with("\r\n\r\n"));
    EXPECT_EQ(client.state(), State::kOpening);
}

TEST_F(WebSocketClientTest, ReadsMessagesWhereverTheBytesAreCut) {
    const std::string large(70'000, 'x');
    const std::string bytes =
        answer() + frame(2, "one") + frame(1, std::string(300, 'y')) + frame(2, large);
    for (const char byte : bytes) {
        ASSERT_TRUE(client.push({&byte, 1}));
    }
    const auto one = client.poll_message();
    const auto two = client.poll_message();
    const auto three = client.poll_message();
    ASSERT_TRUE(one && two && three);
    EXPECT_TRUE(one->binary);
    EXPECT_EQ(one->payload, "one");
    EXPECT_FALSE(two->binary);
    EXPECT_EQ(two->payload, std::string(300, 'y'));
    EXPECT_EQ(three->payload, large);
    EXPECT_FALSE(client.poll_message());
}

TEST_F(WebSocketClientTest, PutsFragmentsTogetherAndAnswersAPingBetweenThem) {
    open();
    ASSERT_TRUE(client.push(frame(2, "ab", false) + frame(9, "are you there") + frame(0, "cd")));
    const auto message = client.poll_message();
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->binary);
    EXPECT_EQ(message->payload, "abcd");
    const std::string pong = client.take_output();
    EXPECT_EQ(static_cast<unsigned char>(pong.at(0)), 0x8aU);
    EXPECT_EQ(unmasked(pong), "are you there");
}

TEST_F(WebSocketClientTest, MasksWhatItSends) {
    open();
    client.send(true, "hello");
    const std::string bytes = client.take_output();
    EXPECT_EQ(static_cast<unsigned char>(bytes.at(0)), 0x82U);
    EXPECT_EQ(static_cast<unsigned char>(bytes.at(1)), 0x85U);
    EXPECT_EQ(unmasked(bytes), "hello");
}

TEST_F(WebSocketClientTest, WritesLengthsOfAllThreeForms) {
    open();
    client.send(true, std::string(126, 'x'));
    EXPECT_EQ(client.take_output().size(), 2U + 2 + 4 + 126);
    client.send(true, std::string(65'535, 'x'));
    EXPECT_EQ(client.take_output().size(), 2U + 2 + 4 + 65'535);
    client.send(true, std::string(65'536, 'x'));
    EXPECT_EQ(client.take_output().size(), 2U + 8 + 4 + 65'536);
}

TEST_F(WebSocketClientTest, SendsNothingBeforeItIsOpen) {
    static_cast<void>(client.take_output());
    client.send(true, "early");
    EXPECT_EQ(client.take_output(), "");
}

TEST_F(WebSocketClientTest, AnswersAClose) {
    open();
    ASSERT_TRUE(client.push(frame(8, "\x03\xe8 bye")));
    EXPECT_EQ(client.state(), State::kClosed);
    EXPECT_EQ(unmasked(client.take_output()), "\x03\xe8");
    client.send(true, "late");
    EXPECT_EQ(client.take_output(), "");
}

TEST_F(WebSocketClientTest, ClosesWithACode) {
    open();
    client.close(1000);
    EXPECT_EQ(unmasked(client.take_output()), "\x03\xe8");
    EXPECT_EQ(client.state(), State::kClosed);
}

TEST_F(WebSocketClientTest, TellsWhyTheServerRefuses) {
    const auto pushed = client.push("HTTP/1.1 401 Unauthorized\r\n\r\nno token");
    ASSERT_FALSE(pushed);
    EXPECT_TRUE(pushed.error().contains("401 Unauthorized: no token")) << pushed.error();
    EXPECT_EQ(client.state(), State::kClosed);
}

TEST_F(WebSocketClientTest, WantsTheRightAccept) {
    EXPECT_FALSE(
        client.push("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n"));
}

TEST_F(WebSocketClientTest, RefusesAHeadWithoutEnd) {
    EXPECT_FALSE(client.push("HTTP/1.1 101 " + std::string(9000, 'x')));
}

TEST_F(WebSocketClientTest, RefusesWhatAServerMustNotSend) {
    for (const std::string& bytes : {std::string("\x82\x81xxxxy"),          // masked
                                     std::string("\xc2\x01x"),              // of an extension
                                     frame(3, "x"),                         // of no kind
                                     frame(0, "x"),                         // continues nothing
                                     frame(2, "x", false) + frame(2, "y"),  // another begins
                                     frame(9, std::string(126, 'x')),       // a large ping
                                     std::string("\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xff", 10)}) {
        WebSocketClient fresh(authority(), "/", random);
        std::swap(client, fresh);
        open();
        EXPECT_FALSE(client.push(bytes));
        EXPECT_EQ(client.state(), State::kClosed);
    }
}

TEST_F(WebSocketClientTest, RefusesAMessageThatIsTooLargeInItsParts) {
    open();
    const std::string part(4 * 1024 * 1024, 'x');
    EXPECT_TRUE(client.push(frame(2, part, false)));
    EXPECT_TRUE(client.push(frame(0, part, false)));
    EXPECT_FALSE(client.push(frame(0, part, false)));
}

}  // namespace
}  // namespace isthmus::load
