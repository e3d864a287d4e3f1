// One port on each bind address, and what clients are told of it. Opens ports on loopback, which
// the kernel chooses.
#include "media/worker/io/worker_sockets.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::media {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using transport::IceCandidate;
using transport::IpAddress;
using transport::Protocol;

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

WorkerSocketsConfig on_loopback() {
    WorkerSocketsConfig config;
    config.bind_addresses = {ip("127.0.0.1")};
    return config;
}

std::vector<std::string> texts(const std::vector<IceCandidate>& candidates) {
    std::vector<std::string> texts;
    texts.reserve(candidates.size());
    for (const IceCandidate& candidate : candidates) {
        texts.push_back((candidate.protocol == Protocol::kUdp ? "udp " : "tcp ") +
                        candidate.address.to_string());
    }
    return texts;
}

TEST(WorkerSockets, TellTheAddressThatTheyAreBoundToForUdpAndTcp) {
    const auto sockets = WorkerSockets::open(on_loopback());
    ASSERT_TRUE(sockets) << sockets.error().message;
    const std::string port = std::to_string((*sockets)->port());
    EXPECT_THAT(texts((*sockets)->candidates()),
                ElementsAre("udp 127.0.0.1:" + port, "tcp 127.0.0.1:" + port));
}

TEST(WorkerSockets, TellTheAdvertisedAddressesInsteadOfTheirOwn) {
    WorkerSocketsConfig config = on_loopback();
    config.advertised = {{.ip = ip("203.0.113.5"), .port = 0},
                         {.ip = ip("2001:db8::5"), .port = 40000}};
    const auto sockets = WorkerSockets::open(config);
    ASSERT_TRUE(sockets) << sockets.error().message;
    const std::string port = std::to_string((*sockets)->port());
    EXPECT_THAT(texts((*sockets)->candidates()),
                ElementsAre("udp 203.0.113.5:" + port,
                            "tcp 203.0.113.5:" + port,
                            "udp [2001:db8::5]:40000",
                            "tcp [2001:db8::5]:40000"));
}

// SPEC rfc8445#5.1.2.1, rfc6544#4.2
TEST(WorkerSockets, PreferUdpAndTheAddressThatComesFirst) {
    WorkerSocketsConfig config = on_loopback();
    config.advertised = {{.ip = ip("203.0.113.5")}, {.ip = ip("203.0.113.6")}};
    const auto sockets = WorkerSockets::open(config);
    ASSERT_TRUE(sockets) << sockets.error().message;
    const std::vector<IceCandidate>& candidates = (*sockets)->candidates();
    ASSERT_EQ(candidates.size(), 4U);
    // UDP and TCP of the first address, then of the second.
    EXPECT_GT(candidates[0].priority, candidates[2].priority);
    EXPECT_GT(candidates[2].priority, candidates[1].priority);
    EXPECT_GT(candidates[1].priority, candidates[3].priority);
    std::set<std::string> foundations;
    for (const IceCandidate& candidate : candidates) {
        foundations.insert(candidate.foundation);
    }
    EXPECT_EQ(foundations.size(), 4U);
}

TEST(WorkerSockets, OfferNoTcpWhereThatIsOff) {
    WorkerSocketsConfig config = on_loopback();
    config.ice_tcp = false;
    const auto sockets = WorkerSockets::open(config);
    ASSERT_TRUE(sockets) << sockets.error().message;
    EXPECT_TRUE((*sockets)->tcp().empty());
    EXPECT_THAT(texts((*sockets)->candidates()),
                ElementsAre("udp 127.0.0.1:" + std::to_string((*sockets)->port())));
}

TEST(WorkerSockets, SayWhichPortIsTaken) {
    const auto first = WorkerSockets::open(on_loopback());
    ASSERT_TRUE(first) << first.error().message;
    WorkerSocketsConfig config = on_loopback();
    config.port = (*first)->port();
    const auto second = WorkerSockets::open(config);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("127.0.0.1:" + std::to_string(config.port)));
}

}  // namespace
}  // namespace isthmus::media
