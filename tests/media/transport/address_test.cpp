#include "media/transport/address.h"

#include <unordered_set>

#include <gtest/gtest.h>

namespace isthmus::media::transport {
namespace {

TEST(IpAddress, ReadsAndWritesCanonicalText) {
    const std::pair<const char*, const char*> cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        // SPEC rfc5952#4.2.2: one zero group is not shortened.
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        // SPEC rfc5952#4.2.3: the longest run, and of two equal ones the first.
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"fe80::1", "fe80::1"},
    };
    for (const auto& [text, canonical] : cases) {
        const auto address = IpAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), canonical);
        EXPECT_EQ(IpAddress::parse(address->to_string()), address);
    }
}

TEST(IpAddress, RefusesWhatIsNotOne) {
    using std::string_view_literals::operator""sv;
    for (const std::string_view text :
         {""sv,
          "192.0.2"sv,
          "192.0.2.256"sv,
          "192.0.2.1:80"sv,
          " 192.0.2.1"sv,
          "192.0.2.1\0"sv,
          "[::1]"sv,
          "fe80::1%eth0"sv,
          "2001:db8"sv,
          ":::"sv,
          "example.org"sv,
          "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"sv}) {
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    }
}

TEST(IpAddress, KnowsItsKind) {
    const auto ip = [](const char* text) { return IpAddress::parse(text).value(); };
    EXPECT_TRUE(ip("10.0.0.1").is_v4());
    EXPECT_FALSE(ip("::10.0.0.1").is_v4());
    EXPECT_TRUE(ip("::").is_unspecified());
    EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
    EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
    EXPECT_TRUE(ip("127.255.0.1").is_loopback());
    EXPECT_TRUE(ip("::1").is_loopback());
    EXPECT_FALSE(ip("128.0.0.1").is_loopback());
    EXPECT_FALSE(ip("::2").is_loopback());
    EXPECT_TRUE(ip("169.254.1.1").is_link_local());
    EXPECT_TRUE(ip("febf::1").is_link_local());
    EXPECT_FALSE(ip("fec0::1").is_link_local());
    EXPECT_FALSE(ip("169.253.1.1").is_link_local());
}

TEST(SocketAddress, BracketsIpv6) {
    EXPECT_EQ((SocketAddress{.ip = IpAddress::v4({192, 0, 2, 1}), .port = 5004}).to_string(),
              "192.0.2.1:5004");
    EXPECT_EQ((SocketAddress{.ip = *IpAddress::parse("2001:db8::1"), .port = 65535}).to_string(),
              "[2001:db8::1]:65535");
}

TEST(PathHash, TellsPathsApartThatDifferInOneField) {
    std::unordered_set<std::size_t> hashes;
    Path path{.local = {.ip = IpAddress::v4({198, 51, 100, 1}), .port = 5004},
              .remote = {.ip = IpAddress::v4({192, 0, 2, 1}), .port = 40000},
              .link = {},
              .protocol = Protocol::kUdp,
              .interface_index = 0};
    const PathHash hash;
    const Path base = path;
    hashes.insert(hash(path));
    for (std::uint16_t port = 1; port != 0; ++port) {
        path.remote.port = port;
        hashes.insert(hash(path));
    }
    EXPECT_EQ(hashes.size(), 65535U) << "40000 is there twice";
    for (const auto change : {+[](Path& p) { p.local.port = 1; },
                              +[](Path& p) { p.local.ip.bytes[15] ^= 1U; },
                              +[](Path& p) { p.remote.ip.bytes[15] ^= 1U; },
                              +[](Path& p) { p.remote.ip.bytes[0] ^= 1U; },
                              +[](Path& p) { p.link.value = 7; },
                              +[](Path& p) { p.protocol = Protocol::kTcp; },
                              +[](Path& p) { p.interface_index = 3; }}) {
        Path other = base;
        change(other);
        EXPECT_NE(other, base);
        EXPECT_NE(hash(other), hash(base));
    }
}

}  // namespace
}  // namespace isthmus::media::transport
