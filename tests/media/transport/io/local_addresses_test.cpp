#include "media/transport/io/local_addresses.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "media/transport/io/udp_batch_socket.h"

namespace isthmus::media::transport {
namespace {

TEST(LocalAddresses, AreAddressesThatASocketCanHave) {
    const auto addresses = local_addresses(LoopbackAddresses::kAlso);
    ASSERT_TRUE(addresses) << addresses.error().message;
    ASSERT_FALSE(addresses->empty());
    for (const IpAddress& ip : *addresses) {
        EXPECT_FALSE(ip.is_link_local()) << ip.to_string();
        EXPECT_FALSE(ip.is_unspecified());
        EXPECT_TRUE(UdpBatchSocket::open({.bind = {.ip = ip, .port = 0}})) << ip.to_string();
        EXPECT_EQ(std::ranges::count(*addresses, ip), 1);
    }
}

TEST(LocalAddresses, HoldLoopbackBehindTheOthersOrWhereNothingElseIs) {
    const auto all = local_addresses(LoopbackAddresses::kAlso);
    const auto usual = local_addresses(LoopbackAddresses::kIfNothingElse);
    ASSERT_TRUE(all && usual);
    EXPECT_TRUE(
        std::ranges::is_partitioned(*all, [](const IpAddress& ip) { return !ip.is_loopback(); }));
    const auto is_loopback = [](const IpAddress& ip) { return ip.is_loopback(); };
    const bool loopback_only = std::ranges::all_of(*all, is_loopback);
    EXPECT_EQ(std::ranges::any_of(*usual, is_loopback), loopback_only);
    EXPECT_EQ(usual->empty(), all->empty());
}

}  // namespace
}  // namespace isthmus::media::transport
