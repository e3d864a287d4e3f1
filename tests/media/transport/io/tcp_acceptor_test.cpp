#include "media/transport/io/tcp_acceptor.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/byte_order.h"
#include "media/transport/io/socket_address.h"
#include "media/transport/stream_framing.h"
#include "tests/media/transport/io/wait.h"

namespace isthmus::media::transport {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds(1000)};

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

// A binding request without attributes, filled up to `bytes`.
std::vector<std::byte> stun(std::size_t bytes = 20) {
    std::vector<std::byte> message(bytes);
    store_be16(message.data(), 0x0001);
    store_be16(message.data() + 2, static_cast<std::uint16_t>(bytes - 20));
    store_be32(message.data() + 4, 0x2112A442);
    return message;
}

std::vector<std::byte> framed(std::span<const std::byte> frame) {
    std::vector<std::byte> stream(kFrameLengthBytes + frame.size());
    std::ranges::copy(frame_length_field(frame.size()), stream.begin());
    std::ranges::copy(frame, stream.begin() + kFrameLengthBytes);
    return stream;
}

// A blocking client.
class Client {
  public:
    explicit Client(const SocketAddress& server, int receive_buffer_bytes = 0)
        : fd_(::socket(server.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer_bytes != 0) {
            EXPECT_EQ(::setsockopt(fd_.get(),
                                   SOL_SOCKET,
                                   SO_RCVBUF,
                                   &receive_buffer_bytes,
                                   sizeof receive_buffer_bytes),
                      0);
        }
        if (!fd_) {
            ADD_FAILURE() << "no socket";
            return;
        }
        KernelAddress address{};
        const socklen_t length = write_kernel_address(server, 0, address);
        EXPECT_EQ(::connect(fd_.get(), &address.any, length), 0);
    }

    void send(std::span<const std::byte> bytes) {
        EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }

    // What is there now, up to `bytes`; empty at the end of the stream.
    std::vector<std::byte> read(std::size_t bytes = 65536) {
        std::vector<std::byte> buffer(bytes);
        EXPECT_TRUE(wait_ready(fd_.get()));
        const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        buffer.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return buffer;
    }

    [[nodiscard]] SocketAddress address() const { return bound_address(fd_.get()); }

    [[nodiscard]] bool readable() const {
        pollfd waited{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        return ::poll(&waited, 1, 0) == 1;
    }

  private:
    FileDescriptor fd_;
};

class TcpAcceptorTest : public testing::Test {
  protected:
    static TcpAcceptor open(TcpAcceptorOptions options = {}) {
        if (options.bind == SocketAddress{}) {
            options.bind.ip = ip("127.0.0.1");
        }
        Result<TcpAcceptor> acceptor = TcpAcceptor::open(options);
        EXPECT_TRUE(acceptor) << acceptor.error().message;
        return std::move(acceptor).value();
    }

    struct Received {
        Path path;
        std::vector<std::byte> bytes;
    };

    // Turns the event loop until `done` says so.
    template <typename Done>
    std::vector<Received> run(TcpAcceptor& acceptor, Done done) {
        std::vector<Received> all;
        while (!done(all)) {
            if (!wait_ready(acceptor.fd())) {
                ADD_FAILURE() << "nothing happens";
                return all;
            }
            for (const InDatagram& frame : acceptor.receive(now_)) {
                all.push_back({*frame.path, {frame.bytes.begin(), frame.bytes.end()}});
            }
        }
        return all;
    }

    std::vector<Received> receive(TcpAcceptor& acceptor, std::size_t count) {
        return run(acceptor, [count](const auto& all) { return all.size() >= count; });
    }

    // The path of a new client that has sent its first frame.
    Path join(TcpAcceptor& acceptor, Client& client) {
        client.send(framed(stun()));
        return receive(acceptor, 1).at(0).path;
    }

    static void send(TcpAcceptor& acceptor,
                     Instant now,
                     const Path& path,
                     std::span<const std::byte> frame) {
        const OutDatagram datagram{.path = &path, .bytes = frame};
        acceptor.send(now, {&datagram, 1});
    }

    Instant now_ = kStart;
};

TEST_F(TcpAcceptorTest, CarriesFramesBothWays) {
    for (const char* address : {"127.0.0.1", "::1"}) {
        TcpAcceptor acceptor = open({.bind = {.ip = ip(address), .port = 0}});
        Client client(acceptor.local_address());
        client.send(framed(stun(100)));
        std::vector<std::byte> media(1200, std::byte{0x80});
        client.send(framed(media));
        const auto received = receive(acceptor, 2);
        ASSERT_EQ(received.size(), 2U);
        EXPECT_EQ(received[0].bytes, stun(100));
        EXPECT_EQ(received[1].bytes, media);
        EXPECT_EQ(received[0].path, received[1].path);
        EXPECT_EQ(received[0].path.protocol, Protocol::kTcp);
        EXPECT_EQ(received[0].path.local, acceptor.local_address());
        EXPECT_EQ(received[0].path.remote, client.address());
        EXPECT_NE(received[0].path.link.value & 0x80000000U, 0U);

        const std::vector<std::byte> answer(50, std::byte{0x16});
        const std::vector<OutDatagram> both(2, {.path = &received[0].path, .bytes = answer});
        acceptor.send(now_, both);
        const std::vector<std::byte> once = framed(answer);
        std::vector<std::byte> expected = once;
        expected.insert(expected.end(), once.begin(), once.end());
        std::vector<std::byte> stream;
        while (stream.size() < expected.size()) {
            const auto part = client.read();
            ASSERT_FALSE(part.empty());
            stream.insert(stream.end(), part.begin(), part.end());
        }
        EXPECT_EQ(stream, expected);
        EXPECT_EQ(acceptor.link_counters().frames_out, 2U);
        EXPECT_EQ(acceptor.link_counters().frames_in, 2U);
    }
}

TEST_F(TcpAcceptorTest, PutsFramesTogetherThatComeByteByByte) {
    TcpAcceptor acceptor = open();
    Client client(acceptor.local_address());
    std::vector<std::byte> stream = framed(stun(30));
    const std::vector<std::byte> second = framed(stun(40));
    stream.insert(stream.end(), second.begin(), second.end());
    std::vector<Received> all;
    for (const std::byte& byte : stream) {
        client.send({&byte, 1});
        ASSERT_TRUE(wait_ready(acceptor.fd()));
        for (const InDatagram& frame : acceptor.receive(now_)) {
            all.push_back({*frame.path, {frame.bytes.begin(), frame.bytes.end()}});
        }
    }
    while (all.size() < 2 && wait_ready(acceptor.fd())) {
        for (const InDatagram& frame : acceptor.receive(now_)) {
            all.push_back({*frame.path, {frame.bytes.begin(), frame.bytes.end()}});
        }
    }
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].bytes, stun(30));
    EXPECT_EQ(all[1].bytes, stun(40));
}

TEST_F(TcpAcceptorTest, KeepsManyConnectionsApart) {
    TcpAcceptor acceptor = open();
    std::vector<Client> clients;
    std::vector<Path> paths;
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back(acceptor.local_address());
        paths.push_back(join(acceptor, clients.back()));
    }
    std::vector<std::uint32_t> links;
    for (std::size_t i = 0; i < clients.size(); ++i) {
        links.push_back(paths[i].link.value);
        EXPECT_EQ(paths[i].remote, clients[i].address());
        const std::vector<std::byte> own(20, static_cast<std::byte>(i));
        send(acceptor, now_, paths[i], own);
        EXPECT_EQ(clients[i].read(), framed(own));
    }
    std::ranges::sort(links);
    EXPECT_EQ(std::ranges::unique(links).size(), 0U);
}

TEST_F(TcpAcceptorTest, ClosesAConnectionThatDoesNotBeginWithStun) {
    TcpAcceptor acceptor = open();
    const std::vector<std::vector<std::byte>> openings = {
        framed(std::vector<std::byte>(100, std::byte{0x80})),  // media
        framed(std::vector<std::byte>(19)),                    // too short
        framed(std::vector<std::byte>(20)),                    // no magic cookie
        framed(stun(1025)),                                    // longer than any check
    };
    for (const std::vector<std::byte>& opening : openings) {
        Client client(acceptor.local_address());
        client.send(opening);
        const auto received = run(acceptor, [&](const auto& all) {
            return !all.empty() || acceptor.poll_closed().has_value();
        });
        EXPECT_TRUE(received.empty());
        EXPECT_TRUE(client.read().empty());
        EXPECT_EQ(acceptor.connections(), 0U);
    }
    EXPECT_EQ(acceptor.counters().closed_not_stun, 3U);
    EXPECT_EQ(acceptor.counters().closed_bad_frame, 1U);
}

TEST_F(TcpAcceptorTest, ClosesAConnectionWithAFrameLongerThanADatagram) {
    TcpAcceptor acceptor = open();
    Client client(acceptor.local_address());
    static_cast<void>(join(acceptor, client));
    std::vector<std::byte> stream = framed(stun());
    stream.resize(stream.size() + 2, std::byte{0xFF});
    client.send(stream);
    const auto received = run(acceptor, [&](const auto&) { return acceptor.connections() == 0; });
    // What was whole before it is still given.
    EXPECT_EQ(received.size(), 1U);
    EXPECT_EQ(acceptor.counters().closed_bad_frame, 1U);
}

TEST_F(TcpAcceptorTest, ReportsAConnectionThatTheClientClosed) {
    TcpAcceptor acceptor = open();
    Path path;
    {
        Client client(acceptor.local_address());
        path = join(acceptor, client);
        EXPECT_FALSE(acceptor.poll_closed());
    }
    run(acceptor, [&](const auto&) { return acceptor.connections() == 0; });
    EXPECT_EQ(acceptor.poll_closed(), path);
    EXPECT_FALSE(acceptor.poll_closed());
    EXPECT_EQ(acceptor.counters().closed_by_peer, 1U);
    send(acceptor, now_, path, stun());
    EXPECT_EQ(acceptor.counters().frames_without_link, 1U);
}

TEST_F(TcpAcceptorTest, ClosesWhatItIsAskedTo) {
    TcpAcceptor acceptor = open();
    Client client(acceptor.local_address());
    const Path path = join(acceptor, client);
    acceptor.close(path.link);
    acceptor.close(path.link);
    EXPECT_EQ(acceptor.poll_closed(), path);
    EXPECT_FALSE(acceptor.poll_closed());
    EXPECT_TRUE(client.read().empty());
}

TEST_F(TcpAcceptorTest, ClosesConnectionsThatSendNothing) {
    TcpAcceptor acceptor = open();
    EXPECT_EQ(acceptor.next_timeout(), kNever);
    Client silent(acceptor.local_address());
    run(acceptor, [&](const auto&) { return acceptor.connections() == 1; });
    Client talker(acceptor.local_address());
    static_cast<void>(join(acceptor, talker));
    // Half a frame does not count.
    silent.send(std::vector<std::byte>(10));
    ASSERT_TRUE(wait_ready(acceptor.fd()));
    ASSERT_TRUE(acceptor.receive(now_ + seconds(9)).empty());

    std::size_t connections = 2;
    for (now_ = kStart; now_ <= kStart + seconds(31);) {
        EXPECT_EQ(acceptor.connections(), connections) << (now_ - kStart).count();
        const Instant next = acceptor.next_timeout();
        if (next == kNever) {
            break;
        }
        ASSERT_GT(next, now_);
        now_ = next;
        acceptor.handle_timeout(now_);
        connections = now_ >= kStart + seconds(30) ? 0 : now_ >= kStart + seconds(10) ? 1 : 2;
    }
    EXPECT_EQ(acceptor.connections(), 0U);
    EXPECT_EQ(acceptor.counters().closed_idle, 2U);
    EXPECT_EQ(acceptor.next_timeout(), kNever);
    EXPECT_TRUE(silent.read().empty());
}

TEST_F(TcpAcceptorTest, BoundsConnectionsInAllAndPerAddress) {
    TcpAcceptor acceptor = open({.bind = {.ip = ip("0.0.0.0"), .port = 0},
                                 .connections_max = 3,
                                 .connections_per_address_max = 2});
    const SocketAddress server{.ip = ip("127.0.0.1"), .port = acceptor.local_address().port};
    std::vector<Client> clients;
    for (int i = 0; i < 2; ++i) {
        clients.emplace_back(server);
        static_cast<void>(join(acceptor, clients.back()));
    }
    Client third(server);
    run(acceptor, [&](const auto&) { return acceptor.counters().refused_per_address == 1; });
    EXPECT_TRUE(third.read().empty());
    EXPECT_EQ(acceptor.connections(), 2U);

    clients.pop_back();
    run(acceptor, [&](const auto&) { return acceptor.connections() == 1; });
    clients.emplace_back(server);
    static_cast<void>(join(acceptor, clients.back()));
    EXPECT_EQ(acceptor.counters().accepted, 3U);
}

TEST_F(TcpAcceptorTest, BoundsConnectionsInAll) {
    TcpAcceptor acceptor = open({.connections_max = 3});
    std::vector<Client> clients;
    for (int i = 0; i < 5; ++i) {
        clients.emplace_back(acceptor.local_address());
    }
    run(acceptor, [&](const auto&) { return acceptor.counters().refused_full == 2; });
    EXPECT_EQ(acceptor.connections(), 3U);
}

// node --- small socket buffers ---> client that does not read, then reads all
TEST_F(TcpAcceptorTest, LetsASlowReaderLoseWholeFrames) {
    TcpAcceptor acceptor =
        open({.send_buffer_bytes = 8192, .link = {.backlog = {.bytes = 100'000}}});
    Client client(acceptor.local_address(), 8192);
    const Path path = join(acceptor, client);
    constexpr std::uint32_t kFrames = 2000;
    for (std::uint32_t i = 0; i < kFrames; ++i) {
        std::vector<std::byte> frame(1000 + i % 100, static_cast<std::byte>(i));
        store_be32(frame.data(), i);
        send(acceptor, now_, path, frame);
        now_ += milliseconds(1);
    }
    EXPECT_GT(acceptor.link_counters().frames_dropped, 0U);

    StreamDeframer deframer(2000);
    std::vector<std::byte> buffer(70000);
    std::vector<std::uint32_t> numbers;
    while (acceptor.link_counters().frames_out + acceptor.link_counters().frames_dropped <
               kFrames ||
           numbers.size() < acceptor.link_counters().frames_out) {
        const std::vector<std::byte> part = client.read(4000);
        ASSERT_FALSE(part.empty());
        std::ranges::copy(part, deframer.begin(buffer).begin());
        deframer.received(part.size());
        for (auto frame = deframer.next(); frame.value(); frame = deframer.next()) {
            const std::uint32_t number = load_be32((*frame)->data());
            ASSERT_EQ((*frame)->size(), 1000 + number % 100) << "a frame was cut";
            ASSERT_EQ((*frame)->back(), static_cast<std::byte>(number));
            numbers.push_back(number);
        }
        deframer.end();
        static_cast<void>(acceptor.receive(now_));
    }
    EXPECT_TRUE(std::ranges::is_sorted(numbers));
    EXPECT_EQ(deframer.kept_bytes(), 0U);
    EXPECT_EQ(acceptor.link_counters().frames_out, numbers.size());
    EXPECT_LT(numbers.size(), kFrames);
    EXPECT_EQ(acceptor.connections(), 1U);
}

TEST_F(TcpAcceptorTest, SendsNothingThatWaitedMoreThanHalfASecond) {
    TcpAcceptor acceptor = open({.send_buffer_bytes = 8192});
    Client client(acceptor.local_address(), 8192);
    const Path path = join(acceptor, client);
    const std::vector<std::byte> old(1000, std::byte{1});
    for (int i = 0; i < 300; ++i) {
        send(acceptor, now_, path, old);
    }
    const std::uint64_t in_kernel = acceptor.link_counters().frames_out;
    ASSERT_LT(in_kernel, 300U);
    ASSERT_EQ(acceptor.link_counters().frames_dropped, 0U);
    now_ += milliseconds(501);
    acceptor.handle_timeout(acceptor.next_timeout());
    const std::vector<std::byte> fresh(1000, std::byte{2});
    send(acceptor, now_, path, fresh);
    // All that waited is gone but a frame whose beginning had left.
    EXPECT_GE(acceptor.link_counters().frames_dropped, 300 - in_kernel - 1);
    std::uint64_t old_frames = 0;
    bool fresh_seen = false;
    StreamDeframer deframer(2000);
    std::vector<std::byte> buffer(70000);
    while (!fresh_seen) {
        const std::vector<std::byte> part = client.read(4000);
        ASSERT_FALSE(part.empty());
        std::ranges::copy(part, deframer.begin(buffer).begin());
        deframer.received(part.size());
        for (auto frame = deframer.next(); frame.value(); frame = deframer.next()) {
            fresh_seen = (*frame)->front() == std::byte{2};
            old_frames += fresh_seen ? 0 : 1;
        }
        deframer.end();
        static_cast<void>(acceptor.receive(now_));
    }
    EXPECT_LE(old_frames, in_kernel + 1);
}

TEST_F(TcpAcceptorTest, SurvivesAClientThatResetsWhileFramesWait) {
    TcpAcceptor acceptor = open({.send_buffer_bytes = 8192});
    Path path;
    {
        Client client(acceptor.local_address(), 8192);
        path = join(acceptor, client);
        const std::vector<std::byte> frame(1000);
        for (int i = 0; i < 300; ++i) {
            send(acceptor, now_, path, frame);
        }
    }  // closes with unread bytes: a reset
    for (int i = 0; i < 3; ++i) {
        send(acceptor, now_, path, std::vector<std::byte>(1000));
    }
    run(acceptor, [&](const auto&) { return acceptor.connections() == 0; });
    EXPECT_EQ(acceptor.poll_closed(), path);
}

TEST_F(TcpAcceptorTest, SaysThatAPortIsTaken) {
    const TcpAcceptor first = open();
    const auto second = TcpAcceptor::open({.bind = first.local_address()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_THAT(second.error().message, testing::HasSubstr(first.local_address().to_string()));
}

}  // namespace
}  // namespace isthmus::media::transport
