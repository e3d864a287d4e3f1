#include "tests/simulator/network.h"

#include <gtest/gtest.h>

namespace isthmus::simulator {
namespace {

using media::transport::DatagramSink;
using media::transport::IpAddress;
using media::transport::LinkId;
using media::transport::OutDatagram;
using media::transport::Path;
using media::transport::SocketAddress;
using std::chrono::milliseconds;

[[nodiscard]] SocketAddress address(std::uint8_t last, std::uint16_t port) {
    return {.ip = IpAddress::v4({192, 0, 2, last}), .port = port};
}

// Sends what it is given, and sends back what it receives where it is an echo.
class Host final : public Node {
  public:
    void handle_datagram(Instant now, const Path& path, std::span<std::byte> bytes) override {
        arrivals.emplace_back(now, path, std::vector(bytes.begin(), bytes.end()));
        if (echo) {
            outgoing.emplace_back(path, std::vector(bytes.begin(), bytes.end()));
        }
    }

    void handle_timeout(Instant now) override {
        wakes.push_back(now);
        wake_at = kNever;
    }

    [[nodiscard]] Instant next_timeout() const override { return wake_at; }

    void drain(Instant /*now*/, DatagramSink& sink) override {
        for (const auto& [path, bytes] : outgoing) {
            const OutDatagram datagram{.path = &path, .bytes = bytes};
            sink.send({&datagram, 1});
        }
        outgoing.clear();
    }

    void handle_link_closed(Instant /*now*/, LinkId link) override { closed.push_back(link); }

    bool echo = false;
    Instant wake_at = kNever;
    std::vector<Instant> wakes;
    std::vector<std::tuple<Instant, Path, std::vector<std::byte>>> arrivals;
    std::vector<std::pair<Path, std::vector<std::byte>>> outgoing;
    std::vector<LinkId> closed;
};

//     a 192.0.2.1:1000 ── 10 ms up, 10 ms down ── core ── 10 ms ── b 192.0.2.2:2000 (echo)
class NetworkTest : public ::testing::Test {
  protected:
    void SetUp() override {
        b_.echo = true;
        network_.add_host(a_, {}, {});
        network_.add_host(b_, {}, {});
        network_.add_address(a_, address(1, 1000));
        network_.add_address(b_, address(2, 2000));
    }

    void send_from_a(std::size_t bytes) {
        Path path;
        path.local = address(1, 1000);
        path.remote = address(2, 2000);
        a_.outgoing.emplace_back(path, std::vector<std::byte>(bytes, std::byte{7}));
        network_.settle(a_);
    }

    Simulator simulator_;
    Network network_{simulator_, 1};
    Host a_;
    Host b_;
};

TEST_F(NetworkTest, CarriesADatagramThereAndBack) {
    const Instant start = simulator_.now();
    send_from_a(100);
    simulator_.run_for(milliseconds(100));
    ASSERT_EQ(b_.arrivals.size(), 1U);
    const auto& [when, path, bytes] = b_.arrivals[0];
    EXPECT_EQ(when, start + milliseconds(20));
    EXPECT_EQ(path.local, address(2, 2000));
    EXPECT_EQ(path.remote, address(1, 1000));
    EXPECT_EQ(bytes, std::vector<std::byte>(100, std::byte{7}));
    ASSERT_EQ(a_.arrivals.size(), 1U);
    EXPECT_EQ(std::get<Instant>(a_.arrivals[0]), start + milliseconds(40));
    EXPECT_EQ(simulator_.now(), start + milliseconds(100));
}

TEST_F(NetworkTest, ShowsTheOutsideAddressAfterARebinding) {
    network_.rebind(address(1, 1000), address(9, 999));
    send_from_a(1);
    simulator_.run_for(milliseconds(100));
    EXPECT_EQ(std::get<Path>(b_.arrivals.at(0)).remote, address(9, 999));
    EXPECT_EQ(std::get<Path>(a_.arrivals.at(0)).local, address(1, 1000));
    const std::array late = {std::byte{1}};
    network_.inject(address(2, 2000), address(1, 1000), late);
    simulator_.run_for(milliseconds(100));
    EXPECT_EQ(a_.arrivals.size(), 1U) << "nobody has the former address";
    EXPECT_EQ(network_.unroutable(), 1U);
}

TEST_F(NetworkTest, LetsATapSeeAndDrop) {
    int seen = 0;
    network_.set_tap([&](const Network::Transit& transit) {
        ++seen;
        return transit.bytes.size() == 2 ? Network::Verdict::kDrop : Network::Verdict::kPass;
    });
    send_from_a(1);
    send_from_a(2);
    send_from_a(3);
    simulator_.run_for(milliseconds(100));
    EXPECT_EQ(b_.arrivals.size(), 2U);
    EXPECT_EQ(seen, 5) << "three there, two back";
}

TEST_F(NetworkTest, WakesANodeWhenItAskedTo) {
    const Instant start = simulator_.now();
    a_.wake_at = start + milliseconds(50);
    network_.settle(a_);
    a_.wake_at = start + milliseconds(30);  // earlier
    network_.settle(a_);
    simulator_.run_for(milliseconds(40));
    EXPECT_EQ(a_.wakes, (std::vector{start + milliseconds(30)}));
    a_.wake_at = start + milliseconds(60);
    network_.settle(a_);
    a_.wake_at = start + milliseconds(90);  // later
    network_.settle(a_);
    simulator_.run_for(milliseconds(100));
    EXPECT_EQ(a_.wakes, (std::vector{start + milliseconds(30), start + milliseconds(90)}));
}

TEST_F(NetworkTest, NeverLosesOrReordersOnATcpConnection) {
    network_.set_lines(a_, {.loss = 1}, {.loss = 1});
    const Network::TcpPaths tcp = network_.connect_tcp(address(1, 1000), address(2, 2000));
    EXPECT_NE(tcp.client.link, tcp.server.link);
    for (std::size_t bytes = 1; bytes <= 50; ++bytes) {
        a_.outgoing.emplace_back(tcp.client, std::vector<std::byte>(bytes));
    }
    network_.settle(a_);
    simulator_.run_for(milliseconds(100));
    ASSERT_EQ(b_.arrivals.size(), 50U);
    ASSERT_EQ(a_.arrivals.size(), 50U);
    for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_EQ(std::get<2>(b_.arrivals[i]).size(), i + 1);
        EXPECT_EQ(std::get<Path>(b_.arrivals[i]), tcp.server);
        EXPECT_EQ(std::get<Path>(a_.arrivals[i]), tcp.client);
    }
    network_.close_tcp(tcp);
    simulator_.run_for(milliseconds(100));
    EXPECT_EQ(a_.closed, (std::vector{tcp.client.link}));
    EXPECT_EQ(b_.closed, (std::vector{tcp.server.link}));
    a_.outgoing.emplace_back(tcp.client, std::vector<std::byte>(1));
    network_.settle(a_);
    simulator_.run_for(milliseconds(100));
    EXPECT_EQ(b_.arrivals.size(), 50U);
}

TEST(Simulator, RunsEventsInOrderOfTimeAndThenOfMaking) {
    Simulator simulator;
    std::vector<int> order;
    simulator.after(milliseconds(2), [&] { order.push_back(3); });
    simulator.after(milliseconds(1), [&] {
        order.push_back(1);
        simulator.after(milliseconds(1), [&] { order.push_back(4); });
    });
    simulator.after(milliseconds(1), [&] { order.push_back(2); });
    EXPECT_FALSE(simulator.run_until([&] { return order.size() > 9; }, milliseconds(5)));
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

}  // namespace
}  // namespace isthmus::simulator
