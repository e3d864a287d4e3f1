#include "base/http/server_target.h"

#include <gtest/gtest.h>

#include "base/http/server_address.h"

namespace isthmus::http {
namespace {

TEST(RequestTarget, DecodesPathAndQuery) {
    const auto target = parse_target("/whep/a%20b%C3%A9?participant=x%26y+z&empty&k=1&k=2");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/whep/a b\xC3\xA9");
    EXPECT_EQ(target->query.at("participant"), "x&y z");
    EXPECT_EQ(target->query.at("empty"), "");
    EXPECT_EQ(target->query.at("k"), "2");
}

TEST(RequestTarget, KeepsAPlusInThePath) {
    EXPECT_EQ(parse_target("/a+b")->path, "/a+b");
}

TEST(RequestTarget, TakesAbsoluteForm) {
    EXPECT_EQ(parse_target("http://node.example:80/a?b=c")->path, "/a");
    EXPECT_EQ(parse_target("https://node.example")->path, "/");
    EXPECT_EQ(parse_target("http://node.example?b=c")->query.at("b"), "c");
}

TEST(RequestTarget, RefusesWhatIsBroken) {
    for (const char* target : {"",
                               "*",
                               "a",
                               "ftp://a/",
                               "/%",
                               "/%1",
                               "/%g0",
                               "/%+1",
                               "/%00",
                               "/%0d",
                               "/a?b=%",
                               "/\x7f"}) {
        EXPECT_FALSE(parse_target(target)) << target;
    }
    std::string many = "/?";
    for (int i = 0; i < 33; ++i) {
        many += "k" + std::to_string(i) + "=v&";
    }
    EXPECT_FALSE(parse_target(many));
}

TEST(Authority, HasNothingButHostAndPort) {
    EXPECT_TRUE(valid_authority("node.example:8443"));
    EXPECT_TRUE(valid_authority("[2001:db8::1]:80"));
    for (const char* authority : {"", "a/b", "a b", "user@a", "a\r\nb", "a\"b", "a?b", "a#b"}) {
        EXPECT_FALSE(valid_authority(authority)) << authority;
    }
    EXPECT_FALSE(valid_authority(std::string(263, 'a')));
}

TEST(ListenAddress, IsReadAndWritten) {
    for (const char* text : {"127.0.0.1:8080", "[::]:8443", "[2001:db8::1]:0", "0.0.0.0:65535"}) {
        const auto address = ListenAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), text);
    }
}

TEST(ListenAddress, RefusesWhatIsNone) {
    for (const char* text : {"",
                             "8080",
                             ":8080",
                             "localhost:8080",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0.1:65536",
                             "127.0.0.1:-1",
                             "127.0.0.1:80x",
                             "::1:80",
                             "[127.0.0.1]:80",
                             "[]:80",
                             "256.0.0.1:80"}) {
        EXPECT_FALSE(ListenAddress::parse(text)) << text;
    }
}

}  // namespace
}  // namespace isthmus::http
