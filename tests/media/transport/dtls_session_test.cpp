// What goes on after the handshake, against OpenSSL on the other side: the keys, the numbering and
// the manners have to be those of the stack that was let go.
#include "media/transport/dtls_session.h"

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "base/check.h"
#include "base/random.h"
#include "media/transport/dtls_endpoint.h"
#include "tests/media/transport/openssl_dtls_peer.h"
#include "tests/media/transport/transport_scenario.h"

namespace isthmus::media::transport {
namespace {

using Bytes = std::vector<std::byte>;

[[nodiscard]] DtlsRole other(DtlsRole role) {
    return role == DtlsRole::kClient ? DtlsRole::kServer : DtlsRole::kClient;
}

[[nodiscard]] std::vector<DtlsRecord> records_of(std::span<const std::byte> datagram) {
    std::vector<DtlsRecord> records;
    while (const auto record = take_dtls_record(datagram)) {
        records.push_back(*record);
    }
    return records;
}

// We and OpenSSL, connected.
struct Pair {
    explicit Pair(const OpenSslPeerOptions& options = {})
        : peer(options), ours(identity_of_node(), other(options.role), peer.fingerprint()) {
        ours.start(now);
        peer.start();
        exchange();
        CHECK(ours.state() == DtlsState::kConnected && peer.connected());
    }

    // Returns the datagrams of ours.
    std::vector<Bytes> to_peer() {
        std::vector<Bytes> sent;
        while (auto datagram = ours.poll_datagram()) {
            peer.handle_datagram(*datagram);
            sent.push_back(std::move(*datagram));
        }
        return sent;
    }

    std::vector<Bytes> to_us() {
        std::vector<Bytes> sent;
        while (auto datagram = peer.poll_datagram()) {
            ours.handle_datagram(now, *datagram);
            sent.push_back(std::move(*datagram));
        }
        return sent;
    }

    void exchange() {
        bool moved = true;
        while (moved) {
            const std::size_t up = to_us().size();
            moved = to_peer().size() + up > 0;
        }
    }

    void expect_data_flows() {
        SeededRandom random(5);
        for (const std::size_t bytes : {std::size_t{1}, DtlsEndpoint::kApplicationBytesMax}) {
            Bytes data(bytes);
            random.fill(data);
            ASSERT_TRUE(ours.send_application_data(data));
            to_peer();
            EXPECT_EQ(peer.poll_data(), data);
            ASSERT_TRUE(peer.write(data));
            to_us();
            EXPECT_EQ(ours.poll_application_data(), data);
        }
    }

    Instant now = Instant{} + std::chrono::hours(1);
    OpenSslPeer peer;
    DtlsEndpoint ours;
};

// Every suite that is negotiated, in either role.
TEST(DtlsSession, CarriesDataBothWaysUnderEverySuite) {
    struct Case {
        OpenSslPeerOptions options;
        std::string_view cipher;
    };

    const std::array cases = {
        Case{{DtlsRole::kClient, "ECDHE-ECDSA-AES128-GCM-SHA256"}, "ECDHE-ECDSA-AES128-GCM-SHA256"},
        Case{{DtlsRole::kClient, "ECDHE-ECDSA-AES256-GCM-SHA384"}, "ECDHE-ECDSA-AES256-GCM-SHA384"},
        Case{{DtlsRole::kServer, "ECDHE-ECDSA-AES128-GCM-SHA256"}, "ECDHE-ECDSA-AES128-GCM-SHA256"},
        Case{{DtlsRole::kServer, "ECDHE-ECDSA-AES256-GCM-SHA384"}, "ECDHE-ECDSA-AES256-GCM-SHA384"},
        Case{{DtlsRole::kServer, "ECDHE-RSA-AES128-GCM-SHA256", CertificateKind::kRsa},
             "ECDHE-RSA-AES128-GCM-SHA256"},
        Case{{DtlsRole::kServer, "ECDHE-RSA-AES256-GCM-SHA384", CertificateKind::kRsa},
             "ECDHE-RSA-AES256-GCM-SHA384"},
        // A client with an RSA certificate; the suite goes by ours.
        Case{{DtlsRole::kClient, "ECDHE+AESGCM", CertificateKind::kRsa},
             "ECDHE-ECDSA-AES256-GCM-SHA384"},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.cipher);
        Pair pair(each.options);
        EXPECT_EQ(pair.peer.cipher(), each.cipher);
        pair.expect_data_flows();
    }
}

// No suite without AEAD is agreed on: there would be nobody to go on with it.
TEST(DtlsSession, OtherCiphersAreRefusedInTheHandshake) {
    OpenSslPeer peer({DtlsRole::kClient, "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-CHACHA20-POLY1305"});
    DtlsEndpoint ours(identity_of_node(), DtlsRole::kServer, peer.fingerprint());
    peer.start();
    while (const auto datagram = peer.poll_datagram()) {
        ours.handle_datagram(Instant{}, *datagram);
    }
    EXPECT_EQ(ours.state(), DtlsState::kFailed);
}

// Number and explicit nonce of an encrypted record.
using UsedNonce = std::pair<std::uint64_t, std::uint64_t>;

void note_used(const Bytes& datagram, std::vector<UsedNonce>& used) {
    for (const DtlsRecord& record : records_of(datagram)) {
        if (record.epoch == 1) {
            used.emplace_back(record.sequence, load_be64(record.body().data()));
        }
    }
}

// A nonce that comes twice gives the key away.
TEST(DtlsSession, GoesOnWithTheNumbersAndNoncesOfTheHandshake) {
    for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer}) {
        OpenSslPeer peer({.role = role});
        DtlsEndpoint ours(identity_of_node(), other(role), peer.fingerprint());
        std::vector<UsedNonce> used;
        const auto carry = [&] {
            bool moved = false;
            while (const auto datagram = ours.poll_datagram()) {
                moved = true;
                note_used(*datagram, used);
                peer.handle_datagram(*datagram);
            }
            while (const auto datagram = peer.poll_datagram()) {
                moved = true;
                ours.handle_datagram(Instant{}, *datagram);
            }
            return moved;
        };
        ours.start(Instant{});
        peer.start();
        while (carry()) {
        }
        ASSERT_EQ(used.size(), 1U) << "the Finished";
        const std::array data = {std::byte{1}};
        ASSERT_TRUE(ours.send_application_data(data));
        ASSERT_TRUE(ours.send_application_data(data));
        ours.close();
        carry();
        ASSERT_EQ(used.size(), 4U);
        for (std::size_t i = 1; i < used.size(); ++i) {
            EXPECT_EQ(used[i].first, used[i - 1].first + 1);
            EXPECT_EQ(used[i].second, used[i - 1].second + 1);
        }
    }
}

TEST(DtlsSession, SaysAndHearsGoodbye) {
    for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer}) {
        Pair pair({.role = role});
        pair.ours.close();
        EXPECT_EQ(pair.to_peer().size(), 1U);
        EXPECT_TRUE(pair.peer.told_goodbye());

        Pair second({.role = role});
        second.peer.send_close_notify();
        second.to_us();
        EXPECT_EQ(second.ours.state(), DtlsState::kClosed);
        EXPECT_EQ(second.to_peer().size(), 1U) << "answered";
        EXPECT_TRUE(second.peer.told_goodbye());
    }
}

// RFC 6347 section 4.2.4: our last flight is lost, and the client says its own again.
TEST(DtlsSession, SaysTheLastFlightAgainForAClientThatMissedIt) {
    OpenSslPeer peer({.role = DtlsRole::kClient});
    DtlsEndpoint ours(identity_of_node(), DtlsRole::kServer, peer.fingerprint());
    const Instant now{};
    const auto to_us = [&] {
        while (const auto datagram = peer.poll_datagram()) {
            ours.handle_datagram(now, *datagram);
        }
    };
    const auto take = [&] {
        std::vector<Bytes> datagrams;
        while (auto datagram = ours.poll_datagram()) {
            datagrams.push_back(std::move(*datagram));
        }
        return datagrams;
    };
    peer.start();
    to_us();
    for (const Bytes& datagram : take()) {
        peer.handle_datagram(datagram);
    }
    to_us();
    ASSERT_EQ(ours.state(), DtlsState::kConnected);
    const std::vector<Bytes> lost = take();
    ASSERT_FALSE(lost.empty());
    // We speak at once; those are early for the client, and lost here too.
    const std::array data = {std::byte{42}};
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(ours.send_application_data(data));
        take();
    }
    std::vector<DtlsRecord> repeated;
    Bytes answer;
    for (int i = 0; i < 3; ++i) {
        if (!peer.repeat_flight()) {
            GTEST_SKIP() << "this OpenSSL hides its timer";
        }
        to_us();
        const std::vector<Bytes> answers = take();
        ASSERT_EQ(answers.size(), 1U);
        answer = answers[0];
        repeated = records_of(answer);
        ASSERT_EQ(repeated.size(), 2U);
        EXPECT_EQ(repeated[0].type, DtlsContentType::kChangeCipherSpec);
        EXPECT_EQ(repeated[1].type, DtlsContentType::kHandshake);
        EXPECT_EQ(repeated[1].sequence, 101U + static_cast<unsigned>(i)) << "new numbers";
        EXPECT_FALSE(peer.connected());
    }
    peer.handle_datagram(answer);
    EXPECT_TRUE(peer.connected());
    ASSERT_TRUE(ours.send_application_data(data));
    for (const Bytes& datagram : take()) {
        peer.handle_datagram(datagram);
    }
    EXPECT_EQ(peer.poll_data(), Bytes(data.begin(), data.end()));
    EXPECT_EQ(ours.state(), DtlsState::kConnected);
}

// The client's Finished comes again under its own number, as a duplicate of the network or by
// somebody who recorded it: nothing to answer.
TEST(DtlsSession, IsNotMovedByARecordedHandshake) {
    OpenSslPeer peer({.role = DtlsRole::kClient});
    DtlsEndpoint ours(identity_of_node(), DtlsRole::kServer, peer.fingerprint());
    std::vector<Bytes> recorded;
    peer.start();
    bool moved = true;
    while (moved) {
        moved = false;
        while (const auto datagram = peer.poll_datagram()) {
            moved = true;
            recorded.push_back(*datagram);
            ours.handle_datagram(Instant{}, *datagram);
        }
        while (const auto datagram = ours.poll_datagram()) {
            moved = true;
            peer.handle_datagram(*datagram);
        }
    }
    ASSERT_EQ(ours.state(), DtlsState::kConnected);
    for (const Bytes& datagram : recorded) {
        ours.handle_datagram(Instant{}, datagram);
    }
    EXPECT_EQ(ours.poll_datagram(), std::nullopt);
    EXPECT_EQ(ours.state(), DtlsState::kConnected);
}

TEST(DtlsSession, RefusesToRenegotiate) {
    for (const DtlsRole role : {DtlsRole::kClient, DtlsRole::kServer}) {
        Pair pair({.role = role});
        pair.peer.renegotiate();
        EXPECT_FALSE(pair.to_us().empty());
        const std::vector<Bytes> answers = [&] {
            std::vector<Bytes> sent;
            while (auto datagram = pair.ours.poll_datagram()) {
                sent.push_back(std::move(*datagram));
            }
            return sent;
        }();
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(records_of(answers[0])[0].type, DtlsContentType::kAlert);
        EXPECT_EQ(pair.ours.state(), DtlsState::kConnected);
        const std::array data = {std::byte{1}};
        EXPECT_TRUE(pair.ours.send_application_data(data));
    }
}

// Data right behind the Finished, or overtaking it, or in the same datagram: as a DTLS server may
// send it.
TEST(DtlsSession, TakesDataThatCameWithTheEndOfTheHandshake) {
    enum class Order : std::uint8_t { kBehind, kOvertaking, kTogether };
    for (const Order order : {Order::kBehind, Order::kOvertaking, Order::kTogether}) {
        OpenSslPeer peer({.role = DtlsRole::kServer});
        DtlsEndpoint ours(identity_of_node(), DtlsRole::kClient, peer.fingerprint());
        const auto to_peer = [&] {
            while (const auto datagram = ours.poll_datagram()) {
                peer.handle_datagram(*datagram);
            }
        };
        ours.start(Instant{});
        to_peer();
        while (const auto datagram = peer.poll_datagram()) {
            ours.handle_datagram(Instant{}, *datagram);
        }
        to_peer();
        ASSERT_TRUE(peer.connected());
        std::vector<Bytes> flight;
        while (auto datagram = peer.poll_datagram()) {
            flight.push_back(std::move(*datagram));
        }
        const Bytes data(20, std::byte{3});
        ASSERT_TRUE(peer.write(data));
        const Bytes record = *peer.poll_datagram();
        if (order == Order::kTogether) {
            flight.back().insert(flight.back().end(), record.begin(), record.end());
        } else {
            flight.insert(order == Order::kBehind ? flight.end() : flight.begin(), record);
        }
        for (const Bytes& datagram : flight) {
            ours.handle_datagram(Instant{}, datagram);
        }
        ASSERT_EQ(ours.state(), DtlsState::kConnected);
        EXPECT_EQ(ours.poll_application_data(), data);
        ours.handle_datagram(Instant{}, record);
        EXPECT_EQ(ours.poll_application_data(), std::nullopt) << "seen before";
    }
}

// Both sides of one association in our own hands, so that the peer may say what no stack would.
struct Misbehaving {
    Misbehaving() {
        SeededRandom random(1);
        DtlsTrafficKey client;
        DtlsTrafficKey server;
        random.fill(client.key);
        random.fill(server.key);
        session.emplace(DtlsHandover{
            .local = server, .remote = client, .next = {}, .last_flight = DtlsLastFlight{}});
        layer.emplace(client, server, DtlsRecordLayer::Numbering{});
    }

    DtlsSession::State send(DtlsContentType type, const Bytes& content) {
        Bytes datagram;
        layer->seal(type, content, datagram);
        session->handle_datagram(datagram, queues);
        return session->state();
    }

    // The alert that we answered with, level and description; empty where there was none.
    Bytes alert() {
        const auto datagram = queues.outgoing.pop();
        if (!datagram) {
            return {};
        }
        std::array<std::byte, 64> buffer{};
        const auto records = records_of(*datagram);
        EXPECT_EQ(records[0].type, DtlsContentType::kAlert);
        const auto content = layer->open(records[0], buffer);
        return content ? Bytes(content->begin(), content->end()) : Bytes{};
    }

    DtlsQueues queues;
    std::optional<DtlsSession> session;
    std::optional<DtlsRecordLayer> layer;
};

[[nodiscard]] Bytes bytes(std::initializer_list<int> values) {
    Bytes made;
    for (const int value : values) {
        made.push_back(static_cast<std::byte>(value));
    }
    return made;
}

TEST(DtlsSession, EndsOnWhatAnAuthenticPeerMustNotSay) {
    using State = DtlsSession::State;

    struct Case {
        DtlsContentType type;
        Bytes content;
        Bytes answer;
    };

    const std::array cases = {
        Case{DtlsContentType::kAlert, bytes({1}), bytes({2, 10})},
        Case{DtlsContentType::kAlert, bytes({1, 0, 0}), bytes({2, 10})},
        Case{DtlsContentType::kAlert, bytes({3, 0}), bytes({2, 47})},
        Case{DtlsContentType::kAlert, bytes({2, 20}), {}},  // fatal: it has left
        // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): what a peer may send
        Case{static_cast<DtlsContentType>(24), bytes({1}), bytes({2, 10})},
    };
    for (const Case& each : cases) {
        Misbehaving peer;
        EXPECT_EQ(peer.send(each.type, each.content), State::kFailed);
        EXPECT_EQ(peer.alert(), each.answer);
        EXPECT_EQ(peer.send(DtlsContentType::kApplicationData, bytes({1})), State::kFailed);
        EXPECT_TRUE(peer.queues.received.empty()) << "nothing is read after the end";
    }
}

TEST(DtlsSession, BearsFourWarningsInARow) {
    using State = DtlsSession::State;
    const Bytes warning = bytes({1, 90});
    Misbehaving peer;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 4; ++i) {
            EXPECT_EQ(peer.send(DtlsContentType::kAlert, warning), State::kOpen);
        }
        EXPECT_EQ(peer.send(DtlsContentType::kApplicationData, bytes({1})), State::kOpen);
    }
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(peer.send(DtlsContentType::kAlert, warning), State::kOpen);
    }
    EXPECT_EQ(peer.send(DtlsContentType::kAlert, warning), State::kFailed);
    EXPECT_EQ(peer.alert(), bytes({2, 10}));
}

TEST(DtlsSession, PassesOverWhatMeansNothing) {
    using State = DtlsSession::State;
    Misbehaving peer;
    EXPECT_EQ(peer.send(DtlsContentType::kApplicationData, {}), State::kOpen);
    EXPECT_EQ(peer.send(DtlsContentType::kChangeCipherSpec, bytes({1})), State::kOpen);
    EXPECT_EQ(peer.send(DtlsContentType::kHandshake, Bytes(11, std::byte{20})), State::kOpen);
    EXPECT_EQ(peer.send(DtlsContentType::kHandshake, Bytes(24, std::byte{11})), State::kOpen);
    EXPECT_TRUE(peer.queues.outgoing.empty());
    EXPECT_TRUE(peer.queues.received.empty());
}

TEST(DtlsSession, RepeatsItsLastFlightTwelveTimes) {
    Misbehaving peer;
    std::size_t answers = 0;
    for (int i = 0; i < 20; ++i) {
        peer.send(DtlsContentType::kHandshake, Bytes(24, std::byte{20}));
        while (peer.queues.outgoing.pop()) {
            ++answers;
        }
    }
    EXPECT_EQ(answers, 12U);
    EXPECT_EQ(peer.session->state(), DtlsSession::State::kOpen);
}

}  // namespace
}  // namespace isthmus::media::transport
