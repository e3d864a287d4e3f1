// A worker's core with two whole clients, publisher and viewer, connected over real ICE, DTLS and
// SRTP, without a network between them: what worker_fuzz.cpp throws its input at.
//
// Holds of everything that the node sends: it goes to a client, fits a datagram, and is RTP or RTCP
// that can be read; no SRTP index is used twice; what is sent is bounded by what came.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "media/transport/srtp_fanout.h"
#include "media/worker/worker_core.h"
#include "tests/simulator/ice_client.h"

namespace isthmus::media {

class MeetingUnderTest {
  public:
    enum class Person : std::uint8_t { kPublisher, kViewer };

    MeetingUnderTest();

    // Makes the client encrypt and send `plain`. Two 32-bit words in it, at any byte, stand for
    // what seeds cannot know: 0xFACE000n is the n-th SSRC that the node announced to the viewer;
    // 0xFACECnkk is an item of a NACK, for the k-th number before the last that was sent on it.
    void send_rtp(Person from, std::span<const std::byte> plain);
    void send_rtcp(Person from, std::span<const std::byte> plain);
    // As it is, from the client's address or from nobody's.
    void send_raw(Person from, std::span<const std::byte> bytes);
    void send_from_stranger(std::span<const std::byte> bytes);
    // The client's last datagram once more, with one bit of byte `flipped` changed; as it was where
    // it has no such byte.
    void send_again(Person from, std::size_t flipped);
    // Until then datagrams wait, as they do in a socket: the core gets them in one batch.
    void deliver();

    void pass_time(Duration duration);
    // `names_tracks`: see JoinRequest.
    void rejoin(Person person, bool names_tracks);
    // Sections and credentials change as the bits of `how` say.
    void renegotiate(Person person, std::uint16_t how);
    void restart_ice(Person person);
    void close_notify(Person person);
    void close_path(Person person);
    void remove(Person person);
    void describe();

  private:
    using Bytes = std::vector<std::byte>;

    struct Sent {
        transport::Path path;
        Bytes bytes;
    };

    struct Sink final : transport::DatagramSink {
        void send(std::span<const transport::OutDatagram> datagrams) override;
        std::vector<Sent> sent;
    };

    struct Client {
        Person person{};
        std::string identity;
        transport::Path path;  // as the node sees it
        ConnectionId connection;
        transport::IceCredentials credentials;
        std::unique_ptr<simulator::IceClient> ice;
        bool names_tracks = false;
        Bytes last;                                             // datagram that it sent
        std::vector<std::uint32_t> ssrcs;                       // what the node sends on
        std::map<std::uint32_t, std::uint16_t> newest;          // number sent, by SSRC
        std::set<std::pair<std::uint32_t, std::uint16_t>> rtp;  // SSRC and number of what it sent
    };

    static constexpr Instant kBegin = Instant{} + std::chrono::hours(1);

    [[nodiscard]] Client& client(Person person) {
        return clients_[person == Person::kViewer ? 1 : 0];
    }

    void join(Client& client);
    static void learn_senders(Client& client, const sfu::LocalDescription& local);
    [[nodiscard]] Bytes fill_in(std::span<const std::byte> plain);
    void queue(const transport::Path& path, std::span<const std::byte> bytes);
    // Lets clients and core talk until nobody has anything to say.
    void settle();
    // Hands what a client has to say to the core; false where that was nothing.
    bool collect(Client& client);
    void receive(const Sent& sent);
    static void check_media(Client& client, std::span<const std::byte> bytes);
    static void check_plain(Client& client);

    Instant now_ = kBegin;
    SeededRandom random_{1};
    std::unique_ptr<transport::SrtpFanout> fanout_;
    WorkerCore core_;
    Sink sink_;
    std::vector<Sent> waiting_;
    std::array<Client, 2> clients_;
    std::uint64_t next_connection_ = 1;
    std::uint64_t datagrams_in_ = 0;
    std::uint64_t datagrams_out_ = 0;
};

}  // namespace isthmus::media
