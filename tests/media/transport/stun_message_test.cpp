#include "media/transport/stun_message.h"

#include <gtest/gtest.h>

#include "tests/media/transport/hex.h"
#include "tests/media/transport/stun_builder.h"

namespace isthmus::media::transport {
namespace {

// RFC 5769: the node is "evtj" here.
const IceCredentials kLocal{.ufrag = "evtj", .pwd = "VOkJxbRl1RmTxUk/WvJxBt"};
const IceCredentials kRemote{.ufrag = "h6vY", .pwd = "not used by requests to us"};

// RFC 5769 section 2.1.
constexpr std::string_view kSampleRequest =
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001"
    "ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3"
    "f249c1b571a280280004e57a3bcf";
// RFC 5769 sections 2.2 and 2.3.
constexpr std::string_view kSampleResponseV4 =
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a6"
    "43000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
constexpr std::string_view kSampleResponseV6 =
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9"
    "faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

constexpr std::string_view kTransaction = "b7e7a701bc34d686fa87dfae";

[[nodiscard]] StunTransactionId sample_transaction() {
    StunTransactionId id{};
    const auto bytes = from_hex(kTransaction);
    std::copy(bytes.begin(), bytes.end(), id.begin());
    return id;
}

[[nodiscard]] StunBuilder complete(std::uint16_t type = StunBuilder::kBindingRequest) {
    return StunBuilder(type).attribute(0x0006, "evtj:h6vY").integrity(kLocal.pwd).fingerprint();
}

TEST(BindingRequest, ReadsTheSampleOfRfc5769) {
    const auto request = parse_binding_request(from_hex(kSampleRequest), kLocal, kRemote);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->transaction, sample_transaction());
    EXPECT_EQ(request->priority, 0x6e0001ffU);
    EXPECT_TRUE(request->peer_is_controlled);
    EXPECT_FALSE(request->use_candidate);
    EXPECT_FALSE(request->has_unknown_attributes);
}

TEST(BindingRequest, RefusesEveryChangeOfABit) {
    const auto sample = from_hex(kSampleRequest);
    for (std::size_t bit = 0; bit < 8 * sample.size(); ++bit) {
        auto changed = sample;
        changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        EXPECT_FALSE(parse_binding_request(changed, kLocal, kRemote)) << bit;
    }
}

TEST(BindingRequest, RefusesEveryOtherLength) {
    auto sample = from_hex(kSampleRequest);
    for (std::size_t bytes = 0; bytes < sample.size(); ++bytes) {
        EXPECT_EQ(parse_binding_request(std::span(sample).first(bytes), kLocal, kRemote).error(),
                  StunRefusal::kMalformed)
            << bytes;
    }
    sample.resize(sample.size() + 4);
    EXPECT_FALSE(parse_binding_request(sample, kLocal, kRemote));
}

TEST(BindingRequest, SaysWhyItRefuses) {
    const auto why = [](const StunBuilder& builder) {
        const auto request = parse_binding_request(builder.bytes(), kLocal, kRemote);
        return request ? std::optional<StunRefusal>() : request.error();
    };
    EXPECT_EQ(why(complete()), std::nullopt);
    EXPECT_EQ(why(StunBuilder().attribute(0x0006, "evtj:h6vY").integrity(kLocal.pwd)),
              StunRefusal::kMalformed)
        << "no FINGERPRINT";
    EXPECT_EQ(why(StunBuilder().attribute(0x0006, "evtj:h6vY").fingerprint()),
              StunRefusal::kUnauthenticated)
        << "no MESSAGE-INTEGRITY";
    EXPECT_EQ(why(StunBuilder().integrity(kLocal.pwd).fingerprint()), StunRefusal::kUnauthenticated)
        << "no USERNAME";
    for (const char* username : {"evtj:h6vX", "evtj", "evtj:", "evtj:h6vYY", "h6vY:evtj", ""}) {
        EXPECT_EQ(
            why(StunBuilder().attribute(0x0006, username).integrity(kLocal.pwd).fingerprint()),
            StunRefusal::kUnauthenticated)
            << username;
    }
    EXPECT_EQ(
        why(StunBuilder().attribute(0x0006, "evtj:h6vY").integrity("wrong password").fingerprint()),
        StunRefusal::kUnauthenticated);
    EXPECT_EQ(why(complete(0x0011)), StunRefusal::kIndication);
    EXPECT_EQ(why(complete(0x0101)), StunRefusal::kUnexpectedClass);
    EXPECT_EQ(why(complete(0x0111)), StunRefusal::kUnexpectedClass);
    EXPECT_EQ(why(complete(0x0003)), StunRefusal::kMalformed) << "Allocate";
}

TEST(BindingRequest, IgnoresWhatComesAfterTheIntegrity) {
    // SPEC rfc8489#14.5: attributes behind MESSAGE-INTEGRITY are not protected and do not count.
    const auto request = parse_binding_request(StunBuilder()
                                                   .attribute(0x0006, "evtj:h6vY")
                                                   .integrity(kLocal.pwd)
                                                   .attribute(0x0025, "")
                                                   .fingerprint()
                                                   .bytes(),
                                               kLocal,
                                               kRemote);
    EXPECT_TRUE(!request || !request->use_candidate);
}

TEST(BindingRequest, ReadsWhatAClientWrites) {
    const BindingRequestFields fields{.transaction = sample_transaction(),
                                      .tie_breaker = 7,
                                      .priority = 0x6e7f00ff,
                                      .controlling = true,
                                      .use_candidate = true};
    std::array<std::byte, kStunBytesMax> buffer{};
    const IceCredentials client{.ufrag = std::string(256, 'c'), .pwd = std::string(256, 'd')};
    const IceCredentials node{.ufrag = std::string(256, 'n'), .pwd = std::string(256, 'o')};
    const auto message = write_binding_request(fields, client, node, buffer);
    ASSERT_FALSE(message.empty()) << "the longest credentials that RFC 8445 allows";
    const auto request = parse_binding_request(message, node, client);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->transaction, fields.transaction);
    EXPECT_EQ(request->priority, fields.priority);
    EXPECT_TRUE(request->use_candidate);
    EXPECT_FALSE(request->peer_is_controlled);
}

TEST(BindingResponse, ReadsTheSamplesOfRfc5769) {
    const auto v4 =
        parse_binding_response(from_hex(kSampleResponseV4), sample_transaction(), kLocal);
    ASSERT_TRUE(v4);
    EXPECT_EQ(v4->error_code, 0);
    ASSERT_TRUE(v4->mapped);
    EXPECT_EQ(v4->mapped->to_string(), "192.0.2.1:32853");
    const auto v6 =
        parse_binding_response(from_hex(kSampleResponseV6), sample_transaction(), kLocal);
    ASSERT_TRUE(v6);
    ASSERT_TRUE(v6->mapped);
    EXPECT_EQ(v6->mapped->to_string(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

TEST(BindingResponse, IsRefusedForAnotherTransactionOrPassword) {
    StunTransactionId other = sample_transaction();
    other[0] ^= std::byte{1};
    EXPECT_FALSE(parse_binding_response(from_hex(kSampleResponseV4), other, kLocal));
    EXPECT_FALSE(parse_binding_response(
        from_hex(kSampleResponseV4), sample_transaction(), {.ufrag = "evtj", .pwd = "wrong"}));
    EXPECT_FALSE(parse_binding_response(from_hex(kSampleRequest), sample_transaction(), kLocal));
}

TEST(BindingResponse, ReadsWhatTheNodeWrites) {
    const auto request = from_hex(kSampleRequest);
    std::array<std::byte, kStunBytesMax> buffer{};
    for (const char* ip : {"203.0.113.9", "2001:db8::9"}) {
        const SocketAddress mapped{.ip = *IpAddress::parse(ip), .port = 54321};
        const auto answer = write_binding_success(request, kLocal, mapped, buffer);
        const auto response = parse_binding_response(answer, sample_transaction(), kLocal);
        ASSERT_TRUE(response) << ip;
        EXPECT_EQ(response->mapped, mapped);
    }
    const auto conflict = parse_binding_response(
        write_role_conflict(request, kLocal, buffer), sample_transaction(), kLocal);
    ASSERT_TRUE(conflict);
    EXPECT_EQ(conflict->error_code, 487);
}

TEST(UnknownAttributes, AreNamedInA420) {
    // SPEC rfc8489#6.3.1
    const auto request = StunBuilder()
                             .attribute(0x0006, "evtj:h6vY")
                             .attribute(0x7123, "")
                             .attribute(0xc001, "optional")
                             .attribute(0x0077, "four")
                             .integrity(kLocal.pwd)
                             .fingerprint()
                             .bytes();
    const auto parsed = parse_binding_request(request, kLocal, kRemote);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->has_unknown_attributes);
    std::array<std::byte, kStunBytesMax> buffer{};
    const auto answer = write_unknown_attributes(request, kLocal, buffer);
    const auto response = parse_binding_response(answer, parsed->transaction, kLocal);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->error_code, 420);
    EXPECT_NE(to_hex(answer).find("000a000471230077"), std::string::npos);
}

TEST(WritingAnAnswer, GivesNothingWhereThereIsNoRoom) {
    const auto request = from_hex(kSampleRequest);
    const SocketAddress mapped{.ip = IpAddress::v4({192, 0, 2, 1}), .port = 1};
    std::array<std::byte, kStunBytesMax> buffer{};
    const std::size_t needed = write_binding_success(request, kLocal, mapped, buffer).size();
    EXPECT_EQ(needed, 64U);
    for (std::size_t room = 0; room < needed; ++room) {
        EXPECT_TRUE(
            write_binding_success(request, kLocal, mapped, std::span(buffer).first(room)).empty())
            << room;
    }
    EXPECT_EQ(
        write_binding_success(request, kLocal, mapped, std::span(buffer).first(needed)).size(),
        needed);
}

}  // namespace
}  // namespace isthmus::media::transport
