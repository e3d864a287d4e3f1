#include "media/transport/dtls_endpoint.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "base/check.h"
#include "base/random.h"
#include "tests/media/transport/transport_scenario.h"

namespace isthmus::media::transport {
namespace {

using Datagrams = std::vector<std::vector<std::byte>>;

[[nodiscard]] std::shared_ptr<const DtlsIdentity> make_identity(
    std::span<const SrtpProfile> profiles = kSrtpProfilesByPreference) {
    auto identity = DtlsIdentity::make(profiles);
    CHECK(identity);
    return *identity;
}

[[nodiscard]] Datagrams drain(DtlsEndpoint& endpoint) {
    Datagrams datagrams;
    while (auto datagram = endpoint.poll_datagram()) {
        EXPECT_LE(datagram->size(), DtlsEndpoint::kMtuBytes);
        datagrams.push_back(std::move(*datagram));
    }
    return datagrams;
}

struct Pair {
    explicit Pair(std::shared_ptr<const DtlsIdentity> client_id = make_identity(),
                  std::shared_ptr<const DtlsIdentity> server_id = make_identity())
        : client_identity(std::move(client_id)), server_identity(std::move(server_id)) {}

    // Carries datagrams back and forth, without loss, until there are none.
    void exchange() {
        for (;;) {
            const Datagrams up = drain(client);
            for (const auto& datagram : up) {
                server.handle_datagram(now, datagram);
            }
            const Datagrams down = drain(server);
            for (const auto& datagram : down) {
                client.handle_datagram(now, datagram);
            }
            if (up.empty() && down.empty()) {
                return;
            }
        }
    }

    std::shared_ptr<const DtlsIdentity> client_identity;
    std::shared_ptr<const DtlsIdentity> server_identity;
    Instant now = Instant{} + std::chrono::hours(1);
    DtlsEndpoint client{client_identity, DtlsRole::kClient, server_identity->fingerprint()};
    DtlsEndpoint server{server_identity, DtlsRole::kServer, client_identity->fingerprint()};
};

TEST(DtlsEndpoint, ConnectsAndAgreesOnKeys) {
    Pair pair;
    pair.client.start(pair.now);
    pair.exchange();
    ASSERT_EQ(pair.client.state(), DtlsState::kConnected);
    ASSERT_EQ(pair.server.state(), DtlsState::kConnected);
    const DtlsSrtpKeys& client = *pair.client.keys();
    const DtlsSrtpKeys& server = *pair.server.keys();
    EXPECT_EQ(client.local.key, server.remote.key);
    EXPECT_EQ(client.local.salt, server.remote.salt);
    EXPECT_EQ(client.remote.key, server.local.key);
    EXPECT_EQ(client.remote.salt, server.local.salt);
    EXPECT_NE(client.local.key, client.remote.key);
    EXPECT_EQ(pair.client.next_timeout(), kNever);
    EXPECT_EQ(pair.server.next_timeout(), kNever);
}

TEST(DtlsEndpoint, ChoosesTheProfileByTheServersPreference) {
    // Chromium's order, worst first.
    static constexpr std::array kChromium = {SrtpProfile::kAesCm128HmacSha1_80,
                                             SrtpProfile::kAeadAes256Gcm,
                                             SrtpProfile::kAeadAes128Gcm};
    static constexpr std::array kOld = {SrtpProfile::kAesCm128HmacSha1_80};
    static constexpr std::array kStrong = {SrtpProfile::kAeadAes256Gcm,
                                           SrtpProfile::kAesCm128HmacSha1_80};
    const auto chosen = [](std::span<const SrtpProfile> client,
                           std::span<const SrtpProfile> server) {
        Pair pair(make_identity(client), make_identity(server));
        pair.client.start(pair.now);
        pair.exchange();
        EXPECT_TRUE(pair.server.keys());
        EXPECT_EQ(pair.server.keys()->local.profile, pair.client.keys()->local.profile);
        EXPECT_EQ(pair.server.keys()->local.key, pair.client.keys()->remote.key);
        EXPECT_EQ(pair.server.keys()->local.salt, pair.client.keys()->remote.salt);
        return pair.server.keys()->local.profile;
    };
    EXPECT_EQ(chosen(kChromium, kSrtpProfilesByPreference), SrtpProfile::kAeadAes128Gcm);
    EXPECT_EQ(chosen(kChromium, kStrong), SrtpProfile::kAeadAes256Gcm);
    EXPECT_EQ(chosen(kOld, kSrtpProfilesByPreference), SrtpProfile::kAesCm128HmacSha1_80);
}

TEST(DtlsEndpoint, FailsWithoutACommonSrtpProfile) {
    static constexpr std::array kGcm = {SrtpProfile::kAeadAes128Gcm};
    static constexpr std::array kCm = {SrtpProfile::kAesCm128HmacSha1_80};
    Pair pair(make_identity(kGcm), make_identity(kCm));
    pair.client.start(pair.now);
    pair.exchange();
    EXPECT_EQ(pair.server.state(), DtlsState::kFailed);
    EXPECT_FALSE(pair.server.keys());
}

TEST(DtlsEndpoint, RefusesAnotherCertificateInEitherRole) {
    Pair pair;
    Fingerprint wrong = pair.client_identity->fingerprint();
    wrong.digest[0] ^= std::byte{1};
    DtlsEndpoint server(pair.server_identity, DtlsRole::kServer, wrong);
    pair.client.start(pair.now);
    for (int round = 0; round < 4; ++round) {
        for (const auto& datagram : drain(pair.client)) {
            server.handle_datagram(pair.now, datagram);
        }
        for (const auto& datagram : drain(server)) {
            pair.client.handle_datagram(pair.now, datagram);
        }
    }
    EXPECT_EQ(server.state(), DtlsState::kFingerprintMismatch);
    EXPECT_FALSE(server.keys());
    EXPECT_EQ(pair.client.state(), DtlsState::kFailed) << "told by an alert";

    DtlsEndpoint client(pair.client_identity, DtlsRole::kClient, wrong);
    DtlsEndpoint other(
        pair.server_identity, DtlsRole::kServer, pair.client_identity->fingerprint());
    client.start(pair.now);
    for (const auto& datagram : drain(client)) {
        other.handle_datagram(pair.now, datagram);
    }
    for (const auto& datagram : drain(other)) {
        client.handle_datagram(pair.now, datagram);
    }
    EXPECT_EQ(client.state(), DtlsState::kFingerprintMismatch);
    EXPECT_FALSE(client.keys());
}

TEST(DtlsEndpoint, ReadsAClientHelloOfTwoDatagramsInEitherOrder) {
    for (const bool reversed : {false, true}) {
        Pair pair(identity_with_long_hello());
        pair.client.start(pair.now);
        Datagrams hello = drain(pair.client);
        ASSERT_EQ(hello.size(), 2U);
        if (reversed) {
            std::ranges::reverse(hello);
        }
        pair.server.handle_datagram(pair.now, hello[0]);
        EXPECT_TRUE(drain(pair.server).empty()) << "half a hello is no hello";
        pair.server.handle_datagram(pair.now, hello[1]);
        for (const auto& datagram : drain(pair.server)) {
            pair.client.handle_datagram(pair.now, datagram);
        }
        pair.exchange();
        EXPECT_EQ(pair.client.state(), DtlsState::kConnected);
        EXPECT_EQ(pair.server.state(), DtlsState::kConnected);
    }
}

TEST(DtlsEndpoint, SendsALostFlightAgainWithDoublingPauses) {
    Pair pair;
    pair.client.start(pair.now);
    EXPECT_EQ(drain(pair.client).size(), 1U);
    std::vector<std::int64_t> pauses_ms;
    Instant last = pair.now;
    for (int i = 0; i < 6; ++i) {
        const Instant due = pair.client.next_timeout();
        ASSERT_NE(due, kNever);
        pair.client.handle_timeout(due - std::chrono::nanoseconds(1));
        EXPECT_TRUE(drain(pair.client).empty()) << "too early";
        pair.client.handle_timeout(due);
        EXPECT_EQ(drain(pair.client).size(), 1U);
        pauses_ms.push_back(
            std::chrono::duration_cast<std::chrono::milliseconds>(due - last).count());
        last = due;
    }
    EXPECT_EQ(pauses_ms, (std::vector<std::int64_t>{400, 800, 1600, 3200, 3200, 3200}));
}

// A flight is lost at each of the four places in turn; whoever waits sends again, newly sealed, and
// the server answers a repeated last flight of the client.
TEST(DtlsEndpoint, SurvivesTheLossOfEachFlight) {
    for (int lost = 0; lost < 4; ++lost) {
        Pair pair;
        pair.client.start(pair.now);
        int flight = 0;
        // Returns whether there was anything to carry.
        const auto carry = [&](DtlsEndpoint& from, DtlsEndpoint& to) {
            const Datagrams datagrams = drain(from);
            const bool arrives = !datagrams.empty() && flight++ != lost;
            for (const auto& datagram : arrives ? datagrams : Datagrams()) {
                to.handle_datagram(pair.now, datagram);
            }
            return !datagrams.empty();
        };
        for (int round = 0; round < 3; ++round) {
            while (carry(pair.client, pair.server) || carry(pair.server, pair.client)) {
            }
            const Instant next = std::min(pair.client.next_timeout(), pair.server.next_timeout());
            if (next == kNever) {
                break;
            }
            pair.now = next;
            pair.client.handle_timeout(pair.now);
            pair.server.handle_timeout(pair.now);
        }
        EXPECT_EQ(pair.client.state(), DtlsState::kConnected) << lost;
        EXPECT_EQ(pair.server.state(), DtlsState::kConnected) << lost;
        EXPECT_LE(pair.now - (Instant{} + std::chrono::hours(1)), std::chrono::milliseconds(400))
            << lost;
    }
}

TEST(DtlsEndpoint, MeasuresTheRoundTripOfTheHandshake) {
    Pair pair;
    pair.client.start(pair.now);
    const auto hello = drain(pair.client);
    pair.now += std::chrono::milliseconds(15);
    pair.server.handle_datagram(pair.now, hello[0]);
    const auto reply = drain(pair.server);
    pair.now += std::chrono::milliseconds(20);
    for (const auto& datagram : reply) {
        pair.client.handle_datagram(pair.now, datagram);
    }
    const auto finished = drain(pair.client);
    pair.now += std::chrono::milliseconds(17);
    for (const auto& datagram : finished) {
        pair.server.handle_datagram(pair.now, datagram);
    }
    EXPECT_EQ(pair.client.rtt(), std::chrono::milliseconds(35));
    EXPECT_EQ(pair.server.rtt(), std::chrono::milliseconds(37));
}

TEST(DtlsEndpoint, SaysGoodbyeBothWays) {
    for (const bool client_first : {true, false}) {
        Pair pair;
        pair.client.start(pair.now);
        pair.exchange();
        (client_first ? pair.client : pair.server).close();
        pair.exchange();
        EXPECT_EQ(pair.client.state(), DtlsState::kClosed);
        EXPECT_EQ(pair.server.state(), DtlsState::kClosed);
    }
}

[[nodiscard]] std::vector<std::byte> bytes_of(std::size_t count, std::uint8_t fill) {
    return std::vector(count, std::byte{fill});
}

TEST(DtlsEndpoint, CarriesApplicationDataBothWays) {
    Pair pair;
    const auto longest = bytes_of(DtlsEndpoint::kApplicationBytesMax, 7);
    EXPECT_FALSE(pair.client.send_application_data(longest)) << "not connected yet";
    pair.client.start(pair.now);
    pair.exchange();
    for (DtlsEndpoint* from : {&pair.client, &pair.server}) {
        DtlsEndpoint& to = from == &pair.client ? pair.server : pair.client;
        EXPECT_TRUE(from->send_application_data(longest));
        EXPECT_TRUE(from->send_application_data(bytes_of(1, 8)));
        EXPECT_FALSE(from->send_application_data({}));
        EXPECT_FALSE(from->send_application_data(bytes_of(longest.size() + 1, 9)));
        const Datagrams sent = drain(*from);
        ASSERT_EQ(sent.size(), 2U);
        EXPECT_EQ(sent[0].size(), DtlsEndpoint::kMtuBytes);
        // The second first, and the first twice.
        to.handle_datagram(pair.now, sent[1]);
        to.handle_datagram(pair.now, sent[0]);
        to.handle_datagram(pair.now, sent[0]);
        EXPECT_EQ(to.poll_application_data(), bytes_of(1, 8));
        EXPECT_EQ(to.poll_application_data(), longest);
        EXPECT_EQ(to.poll_application_data(), std::nullopt);
    }
    pair.client.close();
    EXPECT_FALSE(pair.client.send_application_data(longest));
    pair.exchange();
    EXPECT_FALSE(pair.server.send_application_data(longest));
}

TEST(DtlsEndpoint, BoundsTheApplicationDataThatWaits) {
    Pair pair;
    pair.client.start(pair.now);
    pair.exchange();
    std::size_t sent = 0;
    while (pair.client.send_application_data(bytes_of(10, 1))) {
        ASSERT_LT(++sent, 1000U);
    }
    const Datagrams waiting = drain(pair.client);
    EXPECT_EQ(waiting.size(), sent);
    std::size_t carried = 0;
    for (int round = 0; round < 10; ++round) {
        while (pair.client.send_application_data(bytes_of(10, 1))) {
            ++carried;
        }
        for (const auto& datagram : drain(pair.client)) {
            pair.server.handle_datagram(pair.now, datagram);
        }
    }
    std::size_t received = 0;
    while (pair.server.poll_application_data()) {
        ++received;
    }
    EXPECT_GT(carried, DtlsQueues::kReceivedMax);
    EXPECT_EQ(received, DtlsQueues::kReceivedMax);
    EXPECT_EQ(pair.server.dropped(), carried - received);
}

TEST(DtlsEndpoint, SendsNothingWhenClosedBeforeItIsConnected) {
    Pair pair;
    pair.server.close();
    EXPECT_EQ(pair.server.state(), DtlsState::kClosed);
    EXPECT_TRUE(drain(pair.server).empty());
    EXPECT_EQ(pair.server.next_timeout(), kNever);
}

TEST(DtlsEndpoint, IsNotShakenByForgedDatagramsOnceConnected) {
    Pair pair;
    pair.client.start(pair.now);
    const Datagrams hello = drain(pair.client);
    pair.server.handle_datagram(pair.now, hello[0]);
    for (const auto& datagram : drain(pair.server)) {
        pair.client.handle_datagram(pair.now, datagram);
    }
    pair.exchange();
    ASSERT_EQ(pair.server.state(), DtlsState::kConnected);
    SeededRandom random(7);
    for (int i = 0; i < 2000; ++i) {
        // Handshake, alert and data records of either epoch with noise inside.
        // All short lengths too: OpenSSL 3.0.19 gave up a connection for a record that was too
        // short for its tag.
        std::vector<std::byte> forged(13 + (i < 256 ? i / 4 : random.next_u32() % 200));
        random.fill(forged);
        forged[0] = static_cast<std::byte>(20 + random.next_u32() % 5);
        forged[1] = std::byte{0xfe};
        forged[2] = std::byte{0xfd};
        forged[3] = std::byte{0};
        forged[4] = static_cast<std::byte>(random.next_u32() % 2);
        forged[11] = std::byte{0};
        forged[12] = static_cast<std::byte>(forged.size() - 13);
        pair.server.handle_datagram(pair.now, forged);
    }
    EXPECT_EQ(pair.server.refused(), 2000U);
    pair.server.handle_datagram(pair.now, hello[0]);
    EXPECT_EQ(pair.server.state(), DtlsState::kConnected);
    EXPECT_TRUE(drain(pair.server).empty());
}

// OpenSSL's object, which is let go with the handshake, takes 38 KiB.
TEST(DtlsEndpoint, HoldsLittleOnceConnected) {
    constexpr std::size_t kPairs = 32;
    const auto identity = make_identity();
    const auto heap_bytes = [] {
        const struct mallinfo2 info = mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    std::vector<std::unique_ptr<Pair>> pairs;
    std::size_t before = 0;
    // What the first one brings stays with OpenSSL.
    for (std::size_t i = 0; i <= kPairs; ++i) {
        pairs.push_back(std::make_unique<Pair>(identity, identity));
        pairs.back()->client.start(pairs.back()->now);
        pairs.back()->exchange();
        ASSERT_EQ(pairs.back()->server.state(), DtlsState::kConnected);
        before = i == 0 ? heap_bytes() : before;
    }
    const std::size_t after = heap_bytes();
    if (after == before) {
        GTEST_SKIP() << "another allocator, a sanitizer's";
    }
    EXPECT_LT((after - before) / kPairs, 2 * 2048U) << "of two endpoints, themselves included";
}

TEST(DtlsEndpoint, BoundsWhatAHandshakeMayTake) {
    Pair pair;
    pair.client.start(pair.now);
    const Datagrams hello = drain(pair.client);
    std::size_t taken = 0;
    while (pair.server.state() == DtlsState::kHandshaking) {
        pair.server.handle_datagram(pair.now, hello[0]);
        taken += hello[0].size();
        ASSERT_LE(taken, DtlsHandshake::kBytesMax + hello[0].size());
    }
    EXPECT_EQ(pair.server.state(), DtlsState::kFailed);

    Pair other;
    const std::vector<std::byte> huge(DtlsEndpoint::kDatagramBytesMax + 1, std::byte{22});
    other.server.handle_datagram(other.now, huge);
    EXPECT_EQ(other.server.state(), DtlsState::kHandshaking) << "not even looked at";
}

}  // namespace
}  // namespace isthmus::media::transport
