#include "media/transport/ice_lite.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/media/transport/stun_builder.h"

namespace isthmus::media::transport {
namespace {

const IceCredentials kLocal{.ufrag = "node", .pwd = "0123456789012345678901"};
const IceCredentials kRemote{.ufrag = "peer", .pwd = "abcdefghijklmnopqrstuv"};
const Instant kStart = Instant{} + std::chrono::hours(1);

[[nodiscard]] Path path_from(std::uint16_t port) {
    return {.local = {.ip = IpAddress::v4({198, 51, 100, 1}), .port = 5004},
            .remote = {.ip = IpAddress::v4({192, 0, 2, 1}), .port = port},
            .link = {},
            .protocol = Protocol::kUdp,
            .interface_index = 0};
}

[[nodiscard]] Path tcp_path(std::uint32_t link) {
    Path path = path_from(static_cast<std::uint16_t>(50'000 + link));
    path.protocol = Protocol::kTcp;
    path.link = {link};
    return path;
}

class IceLiteTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::vector<std::byte> make_check(bool use_candidate) {
        return make_check(use_candidate, kLocal, kRemote);
    }

    [[nodiscard]] std::vector<std::byte> make_check(bool use_candidate,
                                                    const IceCredentials& node,
                                                    const IceCredentials& peer) {
        StunTransactionId transaction{};
        random_.fill(transaction);
        std::array<std::byte, kStunBytesMax> buffer{};
        const auto bytes = write_binding_request({.transaction = transaction,
                                                  .tie_breaker = 1,
                                                  .priority = 1,
                                                  .controlling = true,
                                                  .use_candidate = use_candidate},
                                                 peer,
                                                 node,
                                                 buffer);
        return {bytes.begin(), bytes.end()};
    }

    CheckOutcome handle(const Path& path, std::span<const std::byte> message) {
        return ice_.handle_message(now_, path, message, answer_);
    }

    CheckOutcome check(const Path& path, bool use_candidate) {
        return handle(path, make_check(use_candidate));
    }

    SeededRandom random_{1};
    Instant now_ = kStart;
    IceLite ice_{kLocal, kRemote, 4};
    std::array<std::byte, kStunBytesMax> answer_{};
};

TEST_F(IceLiteTest, AnswersACheckAndVerifiesItsPath) {
    const auto request = make_check(false);
    const CheckOutcome outcome = handle(path_from(1), request);
    EXPECT_EQ(outcome.result, CheckResult::kValid);
    const auto response =
        parse_binding_response(outcome.answer, *stun_transaction(request), kLocal);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->mapped, path_from(1).remote);
    EXPECT_TRUE(ice_.is_verified(path_from(1)));
    EXPECT_FALSE(ice_.is_verified(path_from(2)));
}

TEST_F(IceLiteTest, SelectsNothingBeforeANomination) {
    EXPECT_FALSE(check(path_from(1), false).selected_path_changed);
    EXPECT_EQ(ice_.selected(), nullptr);
    EXPECT_TRUE(check(path_from(1), true).selected_path_changed);
    ASSERT_NE(ice_.selected(), nullptr);
    EXPECT_EQ(*ice_.selected(), path_from(1));
}

TEST_F(IceLiteTest, FollowsTheLatestNomination) {
    EXPECT_TRUE(check(path_from(1), true).selected_path_changed);
    EXPECT_TRUE(check(path_from(2), true).selected_path_changed);
    EXPECT_FALSE(check(path_from(1), false).selected_path_changed);
    EXPECT_EQ(*ice_.selected(), path_from(2));
    EXPECT_FALSE(check(path_from(2), true).selected_path_changed);
    EXPECT_TRUE(check(path_from(1), true).selected_path_changed);
}

TEST_F(IceLiteTest, AnswersARoleConflictWith487AndVerifiesNothing) {
    // SPEC rfc8445#7.3.1.1
    StunBuilder builder = StunBuilder()
                              .attribute(0x0006, "node:peer")
                              .attribute(0x0024, "prio")
                              .attribute(0x8029, "12345678")
                              .integrity(kLocal.pwd)
                              .fingerprint();
    const CheckOutcome outcome = handle(path_from(1), builder.bytes());
    EXPECT_EQ(outcome.result, CheckResult::kRoleConflict);
    const auto response =
        parse_binding_response(outcome.answer, *stun_transaction(builder.bytes()), kLocal);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->error_code, 487);
    EXPECT_FALSE(ice_.is_verified(path_from(1)));
}

TEST_F(IceLiteTest, NeitherAnswersNorBelievesWhatIsNotAuthentic) {
    const IceCredentials guess{.ufrag = "node", .pwd = "0123456789012345678900"};
    const CheckOutcome outcome = handle(path_from(1), make_check(true, guess, kRemote));
    EXPECT_EQ(outcome.result, CheckResult::kBad);
    EXPECT_TRUE(outcome.answer.empty());
    EXPECT_FALSE(ice_.is_verified(path_from(1)));
    EXPECT_EQ(ice_.selected(), nullptr);
}

TEST_F(IceLiteTest, LetsAKeepAliveIndicationPass) {
    const CheckOutcome outcome = handle(path_from(1), StunBuilder(0x0011).fingerprint().bytes());
    EXPECT_EQ(outcome.result, CheckResult::kIgnored);
    EXPECT_TRUE(outcome.answer.empty());
}

TEST_F(IceLiteTest, AnswersARetransmissionAgainWithoutBelievingItTwice) {
    const auto request = make_check(true);
    EXPECT_EQ(handle(path_from(1), request).result, CheckResult::kValid);
    EXPECT_TRUE(check(path_from(2), true).selected_path_changed);
    const CheckOutcome again = handle(path_from(1), request);
    EXPECT_EQ(again.result, CheckResult::kRepeated);
    EXPECT_FALSE(again.answer.empty());
    EXPECT_EQ(*ice_.selected(), path_from(2)) << "a late duplicate nominates nothing";
}

TEST_F(IceLiteTest, RefusesACheckReplayedFromElsewhere) {
    const auto request = make_check(true);
    EXPECT_EQ(handle(path_from(1), request).result, CheckResult::kValid);
    const CheckOutcome replayed = handle(path_from(666), request);
    EXPECT_EQ(replayed.result, CheckResult::kBad);
    EXPECT_TRUE(replayed.answer.empty());
    EXPECT_FALSE(ice_.is_verified(path_from(666)));
    EXPECT_EQ(*ice_.selected(), path_from(1));
}

// Forgotten for others (four are kept), a path is another one to the checks it had before: their
// repetition is not answered, and brings nothing back.
TEST_F(IceLiteTest, DoesNotAnswerAgainForAPathThatItForgot) {
    const auto request = make_check(false);
    EXPECT_EQ(handle(path_from(1), request).result, CheckResult::kValid);
    for (std::uint16_t port = 2; port <= 5; ++port) {
        now_ += std::chrono::milliseconds(1);
        ASSERT_EQ(check(path_from(port), false).result, CheckResult::kValid);
    }
    ASSERT_FALSE(ice_.is_verified(path_from(1)));
    EXPECT_EQ(handle(path_from(1), request).result, CheckResult::kBad);
    EXPECT_FALSE(ice_.is_verified(path_from(1)));
    ASSERT_EQ(check(path_from(1), false).result, CheckResult::kValid);
    EXPECT_EQ(handle(path_from(1), request).result, CheckResult::kBad);
}

TEST_F(IceLiteTest, BoundsThePathsAndKeepsTheSelectedOne) {
    ASSERT_EQ(check(path_from(1), true).result, CheckResult::kValid);
    for (std::uint16_t port = 2; port <= 200; ++port) {
        now_ += std::chrono::milliseconds(1);
        ASSERT_EQ(check(path_from(port), false).result, CheckResult::kValid);
    }
    EXPECT_TRUE(ice_.is_verified(path_from(1)));
    int verified = 0;
    for (std::uint16_t port = 1; port <= 200; ++port) {
        verified += ice_.is_verified(path_from(port)) ? 1 : 0;
    }
    EXPECT_EQ(verified, 4);
    EXPECT_TRUE(ice_.is_verified(path_from(200)));
    EXPECT_FALSE(ice_.is_verified(path_from(197)));
}

TEST_F(IceLiteTest, ForgetsTheLongestUncheckedPathFirst) {
    for (std::uint16_t port = 1; port <= 4; ++port) {
        now_ += std::chrono::milliseconds(1);
        ASSERT_EQ(check(path_from(port), false).result, CheckResult::kValid);
    }
    now_ += std::chrono::milliseconds(1);
    ASSERT_EQ(check(path_from(1), false).result, CheckResult::kValid);
    ASSERT_EQ(check(path_from(5), false).result, CheckResult::kValid);
    EXPECT_TRUE(ice_.is_verified(path_from(1)));
    EXPECT_FALSE(ice_.is_verified(path_from(2)));
}

TEST_F(IceLiteTest, ForgetsThePathsOfATcpConnectionThatClosed) {
    check(tcp_path(1), true);
    check(tcp_path(2), false);
    check(path_from(1), false);
    EXPECT_FALSE(ice_.remove_link({2}));
    EXPECT_FALSE(ice_.is_verified(tcp_path(2)));
    EXPECT_FALSE(ice_.remove_link({0})) << "a UDP socket does not close";
    EXPECT_TRUE(ice_.is_verified(path_from(1)));
    EXPECT_TRUE(ice_.remove_link({1}));
    EXPECT_EQ(ice_.selected(), nullptr);
    EXPECT_FALSE(ice_.is_verified(tcp_path(1)));
}

TEST_F(IceLiteTest, TakesFormerCredentialsUntilTheNewOnesAreUsed) {
    const IceCredentials new_local{.ufrag = "nod2", .pwd = "2222222222222222222222"};
    const IceCredentials new_remote{.ufrag = "pee2", .pwd = "3333333333333333333333"};
    check(path_from(1), true);
    ice_.restart(new_local, new_remote);
    EXPECT_EQ(ice_.local(), new_local);
    const auto late = make_check(false);
    const CheckOutcome by_former = handle(path_from(1), late);
    EXPECT_EQ(by_former.result, CheckResult::kValid);
    EXPECT_TRUE(parse_binding_response(by_former.answer, *stun_transaction(late), kLocal))
        << "signed with the password that the request was";
    EXPECT_EQ(*ice_.selected(), path_from(1));

    EXPECT_EQ(handle(path_from(2), make_check(false, new_local, new_remote)).result,
              CheckResult::kValid);
    EXPECT_EQ(*ice_.selected(), path_from(1)) << "not nominated yet";
    EXPECT_EQ(check(path_from(1), true).result, CheckResult::kBad);
    EXPECT_TRUE(
        handle(path_from(2), make_check(true, new_local, new_remote)).selected_path_changed);
}

TEST_F(IceLiteTest, KeepsTheOldestCredentialsThroughTwoRestarts) {
    const IceCredentials second{.ufrag = "nod2", .pwd = "2222222222222222222222"};
    const IceCredentials third{.ufrag = "nod3", .pwd = "4444444444444444444444"};
    ice_.restart(second, kRemote);
    ice_.restart(third, kRemote);
    EXPECT_EQ(check(path_from(1), true).result, CheckResult::kValid);
    EXPECT_EQ(handle(path_from(1), make_check(false, second, kRemote)).result, CheckResult::kBad);
    EXPECT_EQ(handle(path_from(1), make_check(false, third, kRemote)).result, CheckResult::kValid);
    EXPECT_EQ(check(path_from(1), true).result, CheckResult::kBad);
}

// Whatever a request looks like, the answer is not longer; so nothing can be amplified.
TEST_F(IceLiteTest, NeverAnswersWithMoreBytesThanItWasSent) {
    std::array<std::size_t, 6> seen{};
    for (int round = 0; round < 20'000; ++round) {
        StunBuilder builder(random_.next_u32() % 8 == 0
                                ? static_cast<std::uint16_t>(random_.next_u32() & 0x3fffU)
                                : StunBuilder::kBindingRequest,
                            static_cast<std::uint8_t>(random_.next_u32()));
        builder.attribute(0x0006, random_.next_u32() % 16 == 0 ? "node:who" : "node:peer");
        for (std::uint32_t left = random_.next_u32() % 6; left > 0; --left) {
            static constexpr std::array<std::uint16_t, 8> kTypes = {
                0x0024, 0x0025, 0x8029, 0x802a, 0x7fff, 0x0031, 0x8022, 0x0006};
            const std::size_t bytes = random_.next_u32() % 3 == 0 ? random_.next_u32() % 40 : 0;
            builder.attribute(kTypes[random_.next_u32() % kTypes.size()],
                              random_.next_token(bytes));
        }
        if (random_.next_u32() % 16 != 0) {
            builder.integrity(kLocal.pwd);
        }
        if (random_.next_u32() % 16 != 0) {
            builder.fingerprint();
        }
        const auto request = builder.bytes();
        Path path = path_from(static_cast<std::uint16_t>(random_.next_u32()));
        if (random_.next_u32() % 2 == 0) {
            path.remote.ip = *IpAddress::parse("2001:db8::1");
        }
        const CheckOutcome outcome = handle(path, request);
        ASSERT_LE(outcome.answer.size(), request.size());
        ++seen[static_cast<std::size_t>(outcome.result)];
    }
    EXPECT_GT(seen[static_cast<std::size_t>(CheckResult::kValid)], 100U);
    EXPECT_GT(seen[static_cast<std::size_t>(CheckResult::kRoleConflict)], 100U);
    EXPECT_GT(seen[static_cast<std::size_t>(CheckResult::kRefused)], 100U);
    EXPECT_GT(seen[static_cast<std::size_t>(CheckResult::kBad)], 100U);
}

}  // namespace
}  // namespace isthmus::media::transport
