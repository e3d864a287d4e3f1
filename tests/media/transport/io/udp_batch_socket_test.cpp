#include "media/transport/io/udp_batch_socket.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "tests/media/transport/io/wait.h"

namespace isthmus::media::transport {
namespace {

constexpr LinkId kLink{3};

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

UdpBatchSocket open(const UdpSocketOptions& options) {
    Result<UdpBatchSocket> socket = UdpBatchSocket::open(options);
    EXPECT_TRUE(socket) << socket.error().message;
    return std::move(socket).value();
}

UdpBatchSocket open(const char* address, bool segmentation = true) {
    return open(
        {.bind = {.ip = ip(address), .port = 0}, .link = kLink, .segmentation = segmentation});
}

struct Received {
    Path path;
    std::vector<std::byte> bytes;
};

// Reads until `count` datagrams are there; fewer only where they do not come.
std::vector<Received> receive(UdpBatchSocket& socket, std::size_t count) {
    std::vector<Received> all;
    while (all.size() < count && wait_ready(socket.fd())) {
        for (const InDatagram& datagram : socket.receive()) {
            all.push_back({*datagram.path, {datagram.bytes.begin(), datagram.bytes.end()}});
        }
    }
    return all;
}

Path path_between(const UdpBatchSocket& from, const UdpBatchSocket& to) {
    return {.local = from.local_address(), .remote = to.local_address(), .link = kLink};
}

// Datagrams of these sizes, each filled with its number; in one piece of memory or apart.
struct Batch {
    Batch(const Path& to, const std::vector<std::size_t>& sizes, bool contiguous) : path(to) {
        std::size_t total = 0;
        for (const std::size_t size : sizes) {
            total += size + (contiguous ? 0 : 1);
        }
        memory.resize(total);
        std::size_t at = 0;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            const std::span<std::byte> bytes = std::span(memory).subspan(at, sizes[i]);
            std::ranges::fill(bytes, static_cast<std::byte>(i));
            datagrams.push_back({.path = &path, .bytes = bytes});
            at += sizes[i] + (contiguous ? 0 : 1);
        }
    }

    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    Path path;
    std::vector<std::byte> memory;
    std::vector<OutDatagram> datagrams;
};

void expect_arrives(UdpBatchSocket& from, UdpBatchSocket& to, const Batch& batch) {
    from.send(batch.datagrams);
    const std::vector<Received> received = receive(to, batch.datagrams.size());
    ASSERT_EQ(received.size(), batch.datagrams.size());
    for (std::size_t i = 0; i < received.size(); ++i) {
        EXPECT_TRUE(std::ranges::equal(received[i].bytes, batch.datagrams[i].bytes)) << i;
        EXPECT_EQ(received[i].path.remote, from.local_address());
        EXPECT_EQ(received[i].path.local, to.local_address());
    }
}

class UdpBatchSocketTest : public testing::TestWithParam<const char*> {
  protected:
    UdpBatchSocket a_ = open(GetParam());
    UdpBatchSocket b_ = open(GetParam());
};

TEST_P(UdpBatchSocketTest, CarriesADatagramThereAndBack) {
    const Batch question(path_between(a_, b_), {100}, true);
    a_.send(question.datagrams);
    const std::vector<Received> at_b = receive(b_, 1);
    ASSERT_EQ(at_b.size(), 1U);
    EXPECT_EQ(at_b[0].path.link, kLink);
    EXPECT_EQ(at_b[0].path.protocol, Protocol::kUdp);
    EXPECT_EQ(at_b[0].path.interface_index, 0U);
    const Batch answer(at_b[0].path, {50}, true);
    expect_arrives(b_, a_, answer);
    EXPECT_EQ(a_.send_counters().datagrams, 1U);
    EXPECT_EQ(a_.send_counters().bytes, 100U);
    EXPECT_EQ(a_.receive_counters().datagrams, 1U);
    EXPECT_EQ(a_.receive_counters().bytes, 50U);
    EXPECT_TRUE(a_.receive().empty());
}

TEST_P(UdpBatchSocketTest, SendsARunOfEqualSizesAsOneMessage) {
    for (const bool contiguous : {true, false}) {
        const UdpSendCounters before = a_.send_counters();
        std::vector<std::size_t> sizes(20, 1200);
        sizes.push_back(700);
        const Batch batch(path_between(a_, b_), sizes, contiguous);
        expect_arrives(a_, b_, batch);
        EXPECT_EQ(a_.send_counters().messages - before.messages, 1U);
        EXPECT_EQ(a_.send_counters().calls - before.calls, 1U);
        EXPECT_EQ(a_.send_counters().segmentation_refused, 0U);
    }
    EXPECT_EQ(b_.receive_counters().datagrams, 42U);
    // Coalesced again on the way in.
    EXPECT_LT(b_.receive_counters().messages, 10U);
}

TEST_P(UdpBatchSocketTest, CarriesEveryMixtureOfSizes) {
    const std::vector<std::vector<std::size_t>> mixtures = {
        {1},
        {1, 1},
        {1, 2, 3, 4},
        {4, 3, 2, 1},
        {100, 100, 50, 100, 100, 100, 20, 20},
        {1400, 1400, 0, 1400},
        {0, 0, 5},
        std::vector<std::size_t>(64, 1000),
        std::vector<std::size_t>(65, 1000),
        std::vector<std::size_t>(100, 10),
        std::vector<std::size_t>(60, 1500),
    };
    for (const std::vector<std::size_t>& sizes : mixtures) {
        for (const bool contiguous : {true, false}) {
            expect_arrives(a_, b_, Batch(path_between(a_, b_), sizes, contiguous));
        }
    }
    EXPECT_EQ(a_.send_counters().segmentation_refused, 0U);
    EXPECT_EQ(a_.send_counters().dropped_error, 0U);
}

TEST_P(UdpBatchSocketTest, KeepsReceiversApartInOneCall) {
    UdpBatchSocket c = open(GetParam());
    const Path to_b = path_between(a_, b_);
    const Path to_c = path_between(a_, c);
    const std::vector<std::byte> bytes(500);
    std::vector<OutDatagram> datagrams;
    for (int i = 0; i < 90; ++i) {
        datagrams.push_back({.path = i % 3 == 0 ? &to_b : &to_c, .bytes = bytes});
    }
    a_.send(datagrams);
    EXPECT_EQ(receive(b_, 30).size(), 30U);
    EXPECT_EQ(receive(c, 60).size(), 60U);
    EXPECT_EQ(a_.send_counters().messages, 60U);  // pairs for c run together
}

TEST_P(UdpBatchSocketTest, FallsBackToSingleDatagramsWhereTheKernelRefusesToSegment) {
    // Linux refuses segments without checksums: the way to a refusal that any machine has.
    const int off = 1;
    ASSERT_EQ(::setsockopt(a_.fd(), SOL_SOCKET, SO_NO_CHECK, &off, sizeof off), 0);
    const bool v6 = !a_.local_address().ip.is_v4();
    if (v6) {
        constexpr int kUdpNoCheck6Tx = 101;
        ASSERT_EQ(::setsockopt(a_.fd(), IPPROTO_UDP, kUdpNoCheck6Tx, &off, sizeof off), 0);
    }
    std::vector<std::size_t> sizes(10, 300);
    sizes.insert(sizes.end(), {500, 500, 10});
    const Batch batch(path_between(a_, b_), sizes, true);
    a_.send(batch.datagrams);
    EXPECT_EQ(a_.send_counters().segmentation_refused, 2U);
    EXPECT_EQ(a_.send_counters().datagrams, 13U);
    EXPECT_EQ(a_.send_counters().dropped_error, 0U);
    if (!v6) {  // IPv6 receivers refuse datagrams without a checksum
        EXPECT_EQ(receive(b_, 13).size(), 13U);
    }
}

// The traffic class that the next datagram came with; -1 where it came with none.
int read_traffic_class(int fd) {
    std::array<std::byte, 65536> bytes{};
    iovec vector{.iov_base = bytes.data(), .iov_len = bytes.size()};
    alignas(cmsghdr) std::array<std::byte, 256> control{};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    if (!wait_ready(fd) || ::recvmsg(fd, &header, 0) < 0) {
        return -1;
    }
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_TOS) ||
            (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_TCLASS)) {
            return std::to_integer<int>(*reinterpret_cast<std::byte*>(CMSG_DATA(part)));
        }
    }
    return -1;
}

TEST_P(UdpBatchSocketTest, MarksDatagramsByTheirKind) {
    UdpBatchSocket marking = open(
        {.bind = {.ip = ip(GetParam()), .port = 0}, .link = kLink, .marking = TrafficMarking{}});
    const Path path = path_between(marking, b_);
    const std::vector<std::byte> bytes(300);
    std::vector<OutDatagram> datagrams;
    for (const TrafficKind kind :
         {TrafficKind::kAudio, TrafficKind::kVideo, TrafficKind::kVideo, TrafficKind::kControl}) {
        datagrams.push_back({.path = &path, .bytes = bytes, .kind = kind});
    }
    marking.send(datagrams);
    EXPECT_EQ(marking.send_counters().messages, 3U) << "two of a kind share one";
    EXPECT_EQ(read_traffic_class(b_.fd()), 0xB8);
    EXPECT_EQ(read_traffic_class(b_.fd()), 0x88);
    EXPECT_EQ(read_traffic_class(b_.fd()), 0);
    // Without marking all of it is alike.
    a_.send(std::vector<OutDatagram>{{.path = &path, .bytes = bytes, .kind = TrafficKind::kAudio},
                                     {.path = &path, .bytes = bytes}});
    EXPECT_EQ(a_.send_counters().messages, 1U);
    EXPECT_EQ(read_traffic_class(b_.fd()), 0);
}

TEST_P(UdpBatchSocketTest, CountsWhatEcnSays) {
    const bool v4 = a_.local_address().ip.is_v4();
    const Path path = path_between(a_, b_);
    const std::vector<std::byte> bytes(300);
    const std::vector<OutDatagram> two(2, {.path = &path, .bytes = bytes});
    for (const int ecn : {0, 1, 2, 3}) {
        ASSERT_EQ(::setsockopt(a_.fd(),
                               v4 ? IPPROTO_IP : IPPROTO_IPV6,
                               v4 ? IP_TOS : IPV6_TCLASS,
                               &ecn,
                               sizeof ecn),
                  0);
        a_.send(two);
        ASSERT_EQ(receive(b_, 2).size(), 2U);
    }
    EXPECT_EQ(b_.receive_counters().datagrams, 8U);
    EXPECT_EQ(b_.receive_counters().ecn_capable, 6U);
    EXPECT_EQ(b_.receive_counters().ecn_congested, 2U);
}

TEST_P(UdpBatchSocketTest, WorksWithoutSegmentation) {
    UdpBatchSocket plain = open(GetParam(), false);
    // More than one call takes, fewer than a receive buffer of the usual size holds.
    const Batch batch(path_between(plain, b_), std::vector<std::size_t>(70, 1200), true);
    expect_arrives(plain, b_, batch);
    EXPECT_EQ(plain.send_counters().messages, 70U);
    EXPECT_EQ(plain.send_counters().calls, 2U);
    const Batch back(path_between(b_, plain), std::vector<std::size_t>(10, 1200), true);
    b_.send(back.datagrams);
    EXPECT_EQ(receive(plain, 10).size(), 10U);
    EXPECT_EQ(plain.receive_counters().messages, 10U);
}

TEST_P(UdpBatchSocketTest, GoesOnAfterAReceiverThatIsNotThere) {
    // Without this option Linux keeps ICMP errors from unconnected sockets.
    const int on = 1;
    const bool v4 = a_.local_address().ip.is_v4();
    ASSERT_EQ(::setsockopt(a_.fd(),
                           v4 ? IPPROTO_IP : IPPROTO_IPV6,
                           v4 ? IP_RECVERR : IPV6_RECVERR,
                           &on,
                           sizeof on),
              0);
    Path nobody = path_between(a_, b_);
    {
        const UdpBatchSocket gone = open(GetParam());
        nobody.remote = gone.local_address();
    }
    const Path to_b = path_between(a_, b_);
    const std::vector<std::byte> bytes(10);
    for (int i = 0; i < 3; ++i) {
        a_.send(std::vector<OutDatagram>{{.path = &nobody, .bytes = bytes}});
        ASSERT_TRUE(wait_ready(a_.fd(), POLLERR));
        a_.send(std::vector<OutDatagram>{{.path = &to_b, .bytes = bytes},
                                         {.path = &to_b, .bytes = std::span(bytes).first(5)},
                                         {.path = &to_b, .bytes = bytes}});
    }
    // The error takes the place of the first message behind it; the rest arrives.
    EXPECT_EQ(receive(b_, 3).size(), 3U);
    EXPECT_EQ(a_.send_counters().dropped_unreachable, 6U);
    EXPECT_EQ(a_.send_counters().dropped_error, 0U);
    EXPECT_TRUE(a_.receive().empty());
}

TEST_P(UdpBatchSocketTest, CountsWhatTheKernelDropped) {
    UdpBatchSocket small = open(
        {.bind = {.ip = ip(GetParam()), .port = 0}, .link = kLink, .receive_buffer_bytes = 20000});
    const Batch flood(path_between(a_, small), std::vector<std::size_t>(500, 1000), true);
    a_.send(flood.datagrams);
    const std::size_t before = small.receive().size();
    EXPECT_LT(before, 500U);
    // The kernel tells the count with the next datagram.
    const Batch last(path_between(a_, small), {1}, true);
    a_.send(last.datagrams);
    while (small.receive_counters().kernel_drops == 0 && wait_ready(small.fd())) {
        ASSERT_FALSE(small.receive().empty());
    }
    EXPECT_GT(small.receive_counters().kernel_drops, 0U);
}

TEST_P(UdpBatchSocketTest, LeavesTheBytesToTheReceiverToChange) {
    const Batch batch(path_between(a_, b_), {100, 100, 100}, true);
    a_.send(batch.datagrams);
    ASSERT_TRUE(wait_ready(b_.fd()));
    for (const InDatagram& datagram : b_.receive()) {
        std::ranges::fill(datagram.bytes, std::byte{0xFF});
    }
    expect_arrives(a_, b_, batch);
}

TEST_P(UdpBatchSocketTest, SaysThatAPortIsTaken) {
    const auto second = UdpBatchSocket::open({.bind = a_.local_address()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_THAT(second.error().message, testing::HasSubstr(a_.local_address().to_string()));
}

INSTANTIATE_TEST_SUITE_P(BothFamilies,
                         UdpBatchSocketTest,
                         testing::Values("127.0.0.1", "::1"),
                         [](const auto& address) {
                             return std::string(address.param) == "::1" ? "Ipv6" : "Ipv4";
                         });

TEST(UdpBatchSocket, AnswersFromTheAddressThatWasAsked) {
    UdpBatchSocket node = open("0.0.0.0");
    UdpBatchSocket client = open("127.0.0.1");
    for (const char* asked : {"127.0.0.2", "127.0.0.1", "127.200.3.4"}) {
        Path path = path_between(client, node);
        path.remote.ip = ip(asked);
        const Batch question(path, {30, 30}, true);
        client.send(question.datagrams);
        const std::vector<Received> at_node = receive(node, 2);
        ASSERT_EQ(at_node.size(), 2U);
        EXPECT_EQ(at_node[0].path.local.ip, ip(asked));
        EXPECT_EQ(at_node[0].path.local.port, node.local_address().port);
        const Batch answer(at_node[0].path, {40, 40, 40, 10}, true);
        node.send(answer.datagrams);
        const std::vector<Received> at_client = receive(client, 4);
        ASSERT_EQ(at_client.size(), 4U);
        EXPECT_EQ(at_client[3].path.remote, path.remote);
        EXPECT_EQ(node.send_counters().segmentation_refused, 0U);
    }
}

// The kernel has no room: it needs more memory for the fragments of one large datagram than the
// smallest send buffer allows. Deterministic, and no other traffic can take part in it.
TEST(UdpBatchSocket, DropsCountsAndGoesOnWhereTheSendBufferIsFull) {
    constexpr int kFragmentBytes = 1280;
    constexpr std::size_t kTooMuch = 20'000;
    for (const bool segmentation : {false, true}) {
        UdpBatchSocket from = open({.bind = {.ip = ip("::1"), .port = 0},
                                    .link = kLink,
                                    .send_buffer_bytes = 1,
                                    .segmentation = segmentation});
        ASSERT_EQ(
            ::setsockopt(from.fd(), IPPROTO_IPV6, IPV6_MTU, &kFragmentBytes, sizeof kFragmentBytes),
            0);
        UdpBatchSocket to = open("::1");
        // What follows the refusal is more than one call takes.
        std::vector<std::size_t> sizes = {100, 100, kTooMuch};
        sizes.insert(sizes.end(), 100, 50);
        const Batch batch(path_between(from, to), sizes, true);
        from.send(batch.datagrams);
        EXPECT_EQ(from.send_counters().datagrams, 2U);
        EXPECT_EQ(from.send_counters().dropped_full, 101U);
        EXPECT_EQ(from.send_counters().segmentation_refused, segmentation ? 1U : 0U);
        EXPECT_EQ(from.send_counters().dropped_error, 0U);
        EXPECT_EQ(receive(to, 2).size(), 2U);
        expect_arrives(from, to, Batch(path_between(from, to), {60, 60, 60}, true));
        EXPECT_EQ(from.send_counters().dropped_full, 101U);
    }
}

TEST(UdpBatchSocket, HoldsIpv4AndIpv6OnTheSamePort) {
    const UdpBatchSocket v6 = open("::");
    const auto v4 =
        UdpBatchSocket::open({.bind = {.ip = ip("0.0.0.0"), .port = v6.local_address().port}});
    EXPECT_TRUE(v4) << v4.error().message;
}

TEST(UdpBatchSocket, SaysWhatBuffersTheKernelGave) {
    const UdpBatchSocket modest = open({.bind = {.ip = ip("127.0.0.1"), .port = 0},
                                        .receive_buffer_bytes = 100'000,
                                        .send_buffer_bytes = 100'000});
    EXPECT_EQ(modest.buffers().receive_bytes, 100'000);
    EXPECT_EQ(modest.buffers().send_bytes, 100'000);
    EXPECT_TRUE(modest.warnings().empty());
    const UdpBatchSocket as_it_is = open("127.0.0.1");
    EXPECT_GT(as_it_is.buffers().receive_bytes, 0);
    EXPECT_TRUE(as_it_is.warnings().empty());
    // No kernel gives this much: the option is an int that it doubles.
    const UdpBatchSocket greedy =
        open({.bind = {.ip = ip("127.0.0.1"), .port = 0}, .receive_buffer_bytes = 2'147'483'647});
    ASSERT_EQ(greedy.warnings().size(), 1U);
    EXPECT_THAT(greedy.warnings()[0], testing::HasSubstr("net.core.rmem_max"));
    EXPECT_LT(greedy.buffers().receive_bytes, 2'147'483'647);
}

TEST(UdpBatchSocket, SaysThatAnAddressIsNotOurs) {
    const auto socket = UdpBatchSocket::open({.bind = {.ip = ip("192.0.2.77"), .port = 0}});
    ASSERT_FALSE(socket);
    EXPECT_THAT(socket.error().message, testing::HasSubstr("192.0.2.77"));
}

}  // namespace
}  // namespace isthmus::media::transport
