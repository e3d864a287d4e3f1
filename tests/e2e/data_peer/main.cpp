// data_peer ADDRESS: a node that has data channels and nothing else, for one client:
// media/transport below, media/data above. Sends every message back on its channel, opens a channel
// of its own ("node"), and closes a channel when it reads the text "close".
//
// Reads one line, "UFRAG PWD FINGERPRINT" of the client's offer (a=setup:actpass); answers with
// one, "PORT UFRAG PWD FINGERPRINT" (a=setup:active); then writes one line for each event. Ends
// when its input does.
#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <poll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/random.h"
#include "media/data/data_stack.h"
#include "media/transport/io/clock.h"
#include "media/transport/io/udp_batch_socket.h"
#include "media/transport/peer_transport.h"
#include "media/transport/srtp_profile.h"

namespace isthmus::media {
namespace {

constexpr data::AssociationId kClient{1};

class DataPeer {
  public:
    DataPeer(transport::UdpBatchSocket socket, transport::PeerTransportConfig config)
        : socket_(std::move(socket)),
          transport_(transport::read_clock(), std::move(config)),
          stack_(data::DataLimits{}) {}

    void run() {
        for (bool open = true; open;) {
            drain();
            const Instant until = std::min(transport_.next_timeout(), stack_.next_timeout());
            const auto wait = std::chrono::ceil<std::chrono::milliseconds>(
                std::min<Duration>(until - transport::read_clock(), std::chrono::seconds(1)));
            std::array<pollfd, 2> ready{pollfd{.fd = socket_.fd(), .events = POLLIN, .revents = 0},
                                        pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
            static_cast<void>(::poll(
                ready.data(), ready.size(), static_cast<int>(std::max<long>(0, wait.count()))));
            open = (ready[1].revents & (POLLIN | POLLHUP)) == 0;
            const Instant now = transport::read_clock();
            for (const transport::InDatagram& datagram : socket_.receive()) {
                handle(now, datagram);
            }
            transport_.handle_timeout(now);
            stack_.handle_timeout(now);
        }
    }

  private:
    void handle(Instant now, const transport::InDatagram& datagram) {
        if (transport::classify(datagram.bytes) == transport::DatagramKind::kStun) {
            transport_.handle_stun(now, *datagram.path, datagram.bytes);
        } else if (transport::classify(datagram.bytes) == transport::DatagramKind::kDtls) {
            transport_.handle_dtls(now, *datagram.path, datagram.bytes);
        }
        drain();
    }

    void drain() {
        const Instant now = transport::read_clock();
        send_datagrams();
        while (auto event = transport_.poll_event()) {
            if (event->kind == transport::TransportEventKind::kConnected) {
                CHECK(stack_
                          .open(now,
                                kClient,
                                data::StreamParity::kEven,
                                {.remote_message_bytes_max = 256UL * 1024,
                                 .opens = {{.label = "node"}}})
                          .has_value());
            } else if (event->kind == transport::TransportEventKind::kData) {
                stack_.handle_packet(now, kClient, event->data);
            }
        }
        while (auto event = stack_.poll_event()) {
            std::visit([this](const auto& what) { on(what); }, event->event);
        }
        while (const auto packet = stack_.poll_packet()) {
            CHECK(transport_.send_application_data(packet->bytes));
            send_datagrams();
        }
    }

    void send_datagrams() {
        while (const auto datagram = transport_.poll_datagram()) {
            socket_.send({&*datagram, 1});
        }
    }

    void on(const data::ChannelOpened& opened) { say("opened", opened.channel, opened.label); }

    void on(const data::DataMessage& message) {
        static constexpr std::string_view kClose = "close";
        const std::string_view text(reinterpret_cast<const char*>(message.bytes->data()),
                                    message.bytes->size());
        if (!message.binary && text == kClose) {
            stack_.close_channel(kClient, message.channel);
        } else {
            stack_.send(kClient, message);
        }
    }

    void on(const data::ChannelClosed& closed) { say("closed", closed.channel, ""); }

    void on(const data::AssociationFailed& failed) {
        say("failed", 0, data::to_string(failed.reason));
    }

    static void say(std::string_view what, std::uint16_t channel, std::string_view detail) {
        std::cout << what << ' ' << channel << ' ' << detail << '\n' << std::flush;
    }

    transport::UdpBatchSocket socket_;
    transport::PeerTransport transport_;
    data::DataStack stack_;
};

int serve(std::string_view address) {
    std::string ufrag;
    std::string pwd;
    std::string algorithm;
    std::string digest;
    std::cin >> ufrag >> pwd >> algorithm >> digest;
    const auto fingerprint = transport::Fingerprint::parse(algorithm + " " + digest);
    const auto ip = transport::IpAddress::parse(address);
    CHECK(ip.has_value());
    auto socket = transport::UdpBatchSocket::open({.bind = {.ip = *ip, .port = 0}});
    const auto identity = transport::DtlsIdentity::make(transport::kSrtpProfilesByPreference);
    const auto fanout = transport::make_srtp_fanout(transport::SrtpEngine::kAuto);
    if (!fingerprint || !socket || !identity || !fanout) {
        std::cerr << "no fingerprint, socket, certificate or cipher\n";
        return 1;
    }
    SystemRandom random;
    const transport::IceCredentials local{.ufrag = random.next_token(8),
                                          .pwd = random.next_token(24)};
    std::cout << socket->local_address().port << ' ' << local.ufrag << ' ' << local.pwd << ' '
              << (*identity)->fingerprint().to_string() << '\n'
              << std::flush;
    DataPeer(*std::move(socket),
             {.local_ice = local,
              .remote_ice = {.ufrag = ufrag, .pwd = pwd},
              .remote_fingerprint = *fingerprint,
              .role = transport::DtlsRole::kClient,
              .identity = *identity,
              .fanout = fanout->get(),
              .limits = {}})
        .run();
    return 0;
}

}  // namespace
}  // namespace isthmus::media

int main(int argc, char** argv) {
    try {
        return argc == 2 ? isthmus::media::serve(argv[1]) : 2;
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
