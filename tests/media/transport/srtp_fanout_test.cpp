#include "media/transport/srtp_fanout.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "base/random.h"
#include "media/transport/srtp_fanout_engines.h"
#include "tests/media/transport/hex.h"
#include "tests/media/transport/srtp_reference.h"

namespace isthmus::media::transport {
namespace {

// Null where the engine cannot run here.
std::unique_ptr<SrtpSessionKeyFanout> make_engine(SrtpEngine engine) {
    if (engine == SrtpEngine::kOpenSsl) {
        return make_openssl_fanout();
    }
    Result<std::unique_ptr<SrtpSessionKeyFanout>> fanout = make_ipsec_mb_fanout();
    return fanout ? std::move(*fanout) : nullptr;
}

class SrtpFanoutTest : public testing::TestWithParam<std::tuple<SrtpEngine, SrtpProfile>> {
  protected:
    // One packet on its way out, and what libsrtp makes of it.
    struct Case {
        std::vector<std::byte> plain;
        std::size_t header_bytes = 0;
        std::size_t prefix_bytes = 0;
        std::uint8_t padding_bytes = 0;
        std::uint32_t roc = 0;
        std::unique_ptr<SrtpSendKey> key;
        std::vector<std::byte> expected;
        std::vector<std::byte> out;
    };

    static constexpr std::byte kCanary{0xA5};

    void SetUp() override {
        fanout_ = make_engine(std::get<SrtpEngine>(GetParam()));
        if (fanout_ == nullptr) {
            GTEST_SKIP() << "the engine cannot run on this machine";
        }
    }

    [[nodiscard]] static SrtpProfile profile() { return std::get<SrtpProfile>(GetParam()); }

    std::uint32_t below(std::uint32_t limit) { return random_.next_u32() % limit; }

    // A header with up to 15 CSRCs and an extension block of up to 10 words.
    std::vector<std::byte> random_header(std::uint16_t sequence, std::uint32_t ssrc) {
        const std::uint32_t csrcs = below(3) == 0 ? below(16) : 0;
        const std::uint32_t extension_words = below(2) == 0 ? 1 + below(10) : 0;
        std::vector<std::byte> header(12 + 4 * csrcs +
                                      (extension_words != 0 ? 4 + 4 * extension_words : 0));
        random_.fill(header);
        store_u8(header.data(),
                 static_cast<std::uint8_t>(0x80U | (extension_words != 0 ? 0x10U : 0U) | csrcs));
        store_be16(header.data() + 2, sequence);
        store_be32(header.data() + 8, ssrc);
        if (extension_words != 0) {
            store_be16(header.data() + 12 + 4 * csrcs, 0xBEDE);
            store_be16(header.data() + 14 + 4 * csrcs, static_cast<std::uint16_t>(extension_words));
        }
        return header;
    }

    // The prefix is part of the payload's bytes, the padding comes on top.
    Case make_case(std::uint16_t sequence,
                   std::uint32_t roc,
                   std::size_t payload_bytes,
                   std::size_t prefix_bytes = 0,
                   std::uint8_t padding_bytes = 0) {
        const SrtpMasterKey master = random_master(random_, profile());
        Case result;
        result.plain = random_header(sequence, random_.next_u32());
        result.header_bytes = result.plain.size();
        result.plain.resize(result.header_bytes + payload_bytes);
        random_.fill(std::span(result.plain).subspan(result.header_bytes));
        result.prefix_bytes = prefix_bytes;
        result.padding_bytes = padding_bytes;
        if (padding_bytes != 0) {
            result.plain.resize(result.plain.size() + padding_bytes);
            result.plain.back() = std::byte{padding_bytes};
            result.plain.front() |= std::byte{0x20};
        }
        result.roc = roc;
        result.key = fanout_->make_key(master);
        result.expected = ReferenceSrtpSender(master).protect_rtp(result.plain, roc);
        return result;
    }

    void expect_as_libsrtp(std::vector<Case>& cases) {
        std::vector<SrtpJob> jobs;
        for (Case& c : cases) {
            const std::span<const std::byte> plain = c.plain;
            const std::span<const std::byte> encrypted =
                plain.subspan(c.header_bytes)
                    .first(plain.size() - c.header_bytes - c.padding_bytes);
            SrtpJob job{.key = c.key.get(),
                        .header = plain.first(c.header_bytes),
                        .prefix = encrypted.first(c.prefix_bytes),
                        .payload = encrypted.subspan(c.prefix_bytes),
                        .out = nullptr,
                        .roc = c.roc,
                        .padding_bytes = c.padding_bytes};
            ASSERT_EQ(job.out_bytes(), c.expected.size());
            c.out.assign(job.out_bytes() + 16, kCanary);
            job.out = c.out.data();
            jobs.push_back(job);
        }
        fanout_->protect(jobs);
        for (const Case& c : cases) {
            const auto end = c.out.begin() + static_cast<std::ptrdiff_t>(c.expected.size());
            ASSERT_TRUE(std::equal(c.out.begin(), end, c.expected.begin(), c.expected.end()))
                << "header " << c.header_bytes << " payload " << c.plain.size() - c.header_bytes
                << " prefix " << c.prefix_bytes << " padding " << int{c.padding_bytes} << " roc "
                << c.roc << " sequence " << load_be16(c.plain.data() + 2);
            ASSERT_TRUE(std::all_of(end, c.out.end(), [](std::byte b) { return b == kCanary; }))
                << "wrote behind the packet";
        }
    }

    std::unique_ptr<SrtpSessionKeyFanout> fanout_;
    SeededRandom random_{7714};
};

TEST_P(SrtpFanoutTest, MatchesLibsrtpForEveryPayloadSize) {
    std::vector<Case> cases;
    for (std::size_t payload_bytes = 0; payload_bytes <= 1400;
         payload_bytes += payload_bytes < 300 ? 1 : 13) {
        cases.push_back(
            make_case(static_cast<std::uint16_t>(random_.next_u32()), below(4), payload_bytes));
    }
    expect_as_libsrtp(cases);
}

TEST_P(SrtpFanoutTest, MatchesLibsrtpAroundEveryRollOver) {
    std::vector<Case> cases;
    for (const std::uint32_t roc :
         {0U, 1U, 2U, 0x7FFFU, 0xFFFFU, 0x10000U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
        for (const unsigned sequence : {0U, 1U, 127U, 128U, 32767U, 32768U, 65534U, 65535U}) {
            cases.push_back(make_case(static_cast<std::uint16_t>(sequence), roc, 1 + below(200)));
        }
    }
    expect_as_libsrtp(cases);
}

TEST_P(SrtpFanoutTest, MatchesLibsrtpForBatchesOfEverySize) {
    for (const std::size_t batch : {1U, 2U, 15U, 16U, 17U, 63U, 64U, 65U, 128U, 200U}) {
        std::vector<Case> cases;
        for (std::size_t i = 0; i < batch; ++i) {
            cases.push_back(make_case(
                static_cast<std::uint16_t>(random_.next_u32()), random_.next_u32(), below(1401)));
        }
        expect_as_libsrtp(cases);
    }
}

// The prefix shares its first block of 16 with the payload, ends it, or is longer.
TEST_P(SrtpFanoutTest, MatchesLibsrtpForEveryPrefix) {
    std::vector<Case> cases;
    for (std::size_t prefix_bytes = 0; prefix_bytes <= 40; ++prefix_bytes) {
        for (const std::size_t shared_bytes : {0U, 1U, 12U, 16U, 160U, 1200U}) {
            cases.push_back(make_case(static_cast<std::uint16_t>(random_.next_u32()),
                                      random_.next_u32(),
                                      prefix_bytes + shared_bytes,
                                      prefix_bytes));
        }
    }
    expect_as_libsrtp(cases);
}

TEST_P(SrtpFanoutTest, MatchesLibsrtpForEveryPadding) {
    std::vector<Case> cases;
    for (std::size_t padding_bytes = 0; padding_bytes <= 255; ++padding_bytes) {
        const std::size_t prefix_bytes = below(2) == 0 ? below(6) : 0;
        cases.push_back(make_case(static_cast<std::uint16_t>(random_.next_u32()),
                                  random_.next_u32(),
                                  prefix_bytes + below(1000),
                                  prefix_bytes,
                                  static_cast<std::uint8_t>(padding_bytes)));
    }
    expect_as_libsrtp(cases);
}

TEST_P(SrtpFanoutTest, SharesOnePayloadBehindAPrefixForEachReceiver) {
    constexpr std::size_t kReceivers = 70;
    const std::vector<std::byte> plain = plain_rtp(1, 99, 1000);
    const std::vector<std::byte> before(plain.begin(), plain.end());
    std::vector<std::unique_ptr<SrtpSendKey>> keys;
    std::vector<std::array<std::byte, 2>> prefixes(kReceivers);
    std::vector<std::vector<std::byte>> expected;
    std::vector<std::vector<std::byte>> out;
    for (std::size_t i = 0; i < kReceivers; ++i) {
        const SrtpMasterKey master = random_master(random_, profile());
        keys.push_back(fanout_->make_key(master));
        random_.fill(prefixes[i]);
        std::vector<std::byte> whole(plain.begin(), plain.begin() + 12);
        whole.insert(whole.end(), prefixes[i].begin(), prefixes[i].end());
        whole.insert(whole.end(), plain.begin() + 12, plain.end());
        expected.push_back(ReferenceSrtpSender(master).protect_rtp(whole));
        out.emplace_back(whole.size() + keys.back()->tag_bytes());
    }
    std::vector<SrtpJob> jobs;
    for (std::size_t i = 0; i < kReceivers; ++i) {
        jobs.push_back({.key = keys[i].get(),
                        .header = std::span(plain).first(12),
                        .prefix = prefixes[i],
                        .payload = std::span(plain).subspan(12),
                        .out = out[i].data(),
                        .roc = 0});
    }
    fanout_->protect(jobs);
    EXPECT_EQ(out, expected);
    EXPECT_EQ(plain, before);
}

TEST_P(SrtpFanoutTest, MatchesLibsrtpOverASequenceThatWraps) {
    const SrtpMasterKey master = random_master(random_, profile());
    ReferenceSrtpSender reference(master);
    const std::unique_ptr<SrtpSendKey> key = fanout_->make_key(master);
    for (std::uint32_t index = 65530; index < 65545; ++index) {
        const std::vector<std::byte> plain =
            plain_rtp(static_cast<std::uint16_t>(index), 0xDECAFBAD, 100);
        std::vector<std::byte> out(plain.size() + key->tag_bytes());
        const SrtpJob job{.key = key.get(),
                          .header = std::span(plain).first(12),
                          .payload = std::span(plain).subspan(12),
                          .out = out.data(),
                          .roc = index >> 16U};
        fanout_->protect({&job, 1});
        EXPECT_EQ(out, reference.protect_rtp(plain)) << index;
    }
}

TEST_P(SrtpFanoutTest, SharesOnePayloadAmongManyReceivers) {
    constexpr std::size_t kReceivers = 100;
    const std::vector<std::byte> plain = plain_rtp(1, 99, 1000);
    const std::vector<std::byte> before(plain.begin(), plain.end());
    std::vector<std::unique_ptr<SrtpSendKey>> keys;
    std::vector<std::vector<std::byte>> expected;
    std::vector<std::vector<std::byte>> out;
    std::vector<SrtpJob> jobs;
    for (std::size_t i = 0; i < kReceivers; ++i) {
        const SrtpMasterKey master = random_master(random_, profile());
        keys.push_back(fanout_->make_key(master));
        expected.push_back(ReferenceSrtpSender(master).protect_rtp(plain));
        out.emplace_back(plain.size() + keys.back()->tag_bytes());
    }
    for (std::size_t i = 0; i < kReceivers; ++i) {
        jobs.push_back({.key = keys[i].get(),
                        .header = std::span(plain).first(12),
                        .payload = std::span(plain).subspan(12),
                        .out = out[i].data(),
                        .roc = 0});
    }
    fanout_->protect(jobs);
    EXPECT_EQ(out, expected);
    EXPECT_EQ(plain, before);
}

TEST_P(SrtpFanoutTest, GivesTheSameBytesInAnyOrderAndAgain) {
    const SrtpMasterKey master = random_master(random_, profile());
    const std::unique_ptr<SrtpSendKey> key = fanout_->make_key(master);
    const auto protect = [&](std::uint16_t sequence) {
        const std::vector<std::byte> plain = plain_rtp(sequence, 1, 80);
        std::vector<std::byte> out(plain.size() + key->tag_bytes());
        const SrtpJob job{.key = key.get(),
                          .header = std::span(plain).first(12),
                          .payload = std::span(plain).subspan(12),
                          .out = out.data(),
                          .roc = 5};
        fanout_->protect({&job, 1});
        return out;
    };
    const auto first = protect(10);
    const auto second = protect(11);
    EXPECT_EQ(protect(11), second);
    EXPECT_EQ(protect(10), first);
    EXPECT_NE(first, second);
}

TEST_P(SrtpFanoutTest, LeavesNothingToDoForAnEmptyBatch) {
    fanout_->protect({});
}

INSTANTIATE_TEST_SUITE_P(EveryEngineAndProfile,
                         SrtpFanoutTest,
                         testing::Combine(testing::Values(SrtpEngine::kOpenSsl,
                                                          SrtpEngine::kIpsecMb),
                                          testing::ValuesIn(kSrtpProfilesByPreference)),
                         [](const auto& suite) { return name_of(suite.param); });

class SrtpEngineTest : public testing::TestWithParam<SrtpEngine> {
  protected:
    void SetUp() override {
        fanout_ = make_engine(GetParam());
        if (fanout_ == nullptr) {
            GTEST_SKIP() << "the engine cannot run on this machine";
        }
    }

    std::vector<std::byte> protect(const SrtpSessionKeys& keys,
                                   const std::vector<std::byte>& plain) {
        const std::unique_ptr<SrtpSendKey> key = fanout_->expand(keys);
        std::vector<std::byte> out(plain.size() + key->tag_bytes());
        const SrtpJob job{.key = key.get(),
                          .header = std::span(plain).first(12),
                          .payload = std::span(plain).subspan(12),
                          .out = out.data(),
                          .roc = 0};
        fanout_->protect({&job, 1});
        return out;
    }

    std::unique_ptr<SrtpSessionKeyFanout> fanout_;
};

SrtpSessionKeys rfc_7714_keys(SrtpProfile profile) {
    SrtpSessionKeys keys;
    keys.profile = profile;
    for (std::size_t i = 0; i < sizes_of(profile).key_bytes; ++i) {
        keys.key[i] = static_cast<std::byte>(i);
    }
    std::memcpy(keys.salt.data(), "Quid pro quo", 12);
    return keys;
}

const char* const kRfc7714Plain =
    "8040f17b8041f8d35501a0b2"
    "47616c6c696120657374206f6d6e697320646976697361"
    "20696e207061727465732074726573";

// SPEC rfc7714#16.1.1
TEST_P(SrtpEngineTest, GivesTheVectorOfRfc7714ForAes128Gcm) {
    EXPECT_EQ(to_hex(protect(rfc_7714_keys(SrtpProfile::kAeadAes128Gcm), from_hex(kRfc7714Plain))),
              "8040f17b8041f8d35501a0b2"
              "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
              "899d7f27beb16a9152cf765ee4390cce");
}

// SPEC rfc7714#16.2.1
TEST_P(SrtpEngineTest, GivesTheVectorOfRfc7714ForAes256Gcm) {
    EXPECT_EQ(to_hex(protect(rfc_7714_keys(SrtpProfile::kAeadAes256Gcm), from_hex(kRfc7714Plain))),
              "8040f17b8041f8d35501a0b2"
              "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
              "7aa3db36dfffd6b0f9bb7878d7a76c13");
}

// SPEC rfc3711#B.2: an empty packet shows the key stream.
TEST_P(SrtpEngineTest, GivesTheKeyStreamOfRfc3711) {
    SrtpSessionKeys keys;
    keys.profile = SrtpProfile::kAesCm128HmacSha1_80;
    std::ranges::copy(from_hex("2b7e151628aed2a6abf7158809cf4f3c"), keys.key.begin());
    std::ranges::copy(from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd"), keys.salt.begin());
    std::vector<std::byte> plain(12 + 48);
    plain[0] = std::byte{0x80};
    const std::vector<std::byte> out = protect(keys, plain);
    EXPECT_EQ(to_hex(std::span(out).subspan(12, 48)),
              "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
              "41e95b3bb0a2e8dd477901e4fca894c0");
}

// Receivers of one packet have negotiated different profiles.
TEST_P(SrtpEngineTest, TakesAllProfilesInOneBatch) {
    SeededRandom random(1);
    const std::vector<std::byte> plain = plain_rtp(9, 1, 500);
    std::vector<std::unique_ptr<SrtpSendKey>> keys;
    std::vector<std::vector<std::byte>> expected;
    std::vector<std::vector<std::byte>> out;
    std::vector<SrtpJob> jobs;
    for (std::size_t i = 0; i < 200; ++i) {
        const SrtpMasterKey master =
            random_master(random, kSrtpProfilesByPreference[random.next_u32() % 3]);
        keys.push_back(fanout_->make_key(master));
        expected.push_back(ReferenceSrtpSender(master).protect_rtp(plain));
        out.emplace_back(expected.back().size());
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        jobs.push_back({.key = keys[i].get(),
                        .header = std::span(plain).first(12),
                        .payload = std::span(plain).subspan(12),
                        .out = out[i].data(),
                        .roc = 0});
    }
    fanout_->protect(jobs);
    EXPECT_EQ(out, expected);
}

INSTANTIATE_TEST_SUITE_P(EveryEngine,
                         SrtpEngineTest,
                         testing::Values(SrtpEngine::kOpenSsl, SrtpEngine::kIpsecMb),
                         [](const auto& engine) {
                             return engine.param == SrtpEngine::kOpenSsl ? "OpenSsl" : "IpsecMb";
                         });

TEST(SrtpFanoutChoice, TakesTheFastestEngineThatRunsHere) {
    const auto fanout = make_srtp_fanout(SrtpEngine::kAuto);
    ASSERT_TRUE(fanout);
    EXPECT_EQ((*fanout)->name(), make_ipsec_mb_fanout() ? "ipsec-mb" : "openssl");
}

TEST(SrtpFanoutChoice, GivesTheEngineThatWasNamedOrAReason) {
    const auto openssl = make_srtp_fanout(SrtpEngine::kOpenSsl);
    ASSERT_TRUE(openssl);
    EXPECT_EQ((*openssl)->name(), "openssl");
    const auto ipsec_mb = make_srtp_fanout(SrtpEngine::kIpsecMb);
    if (ipsec_mb) {
        EXPECT_EQ((*ipsec_mb)->name(), "ipsec-mb");
    } else {
        EXPECT_THAT(ipsec_mb.error().message, testing::HasSubstr("openssl"));
    }
}

}  // namespace
}  // namespace isthmus::media::transport
