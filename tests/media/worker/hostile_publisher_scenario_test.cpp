// A publisher that sends what no encoder would. Work and memory for it stay bounded and are
// counted; who watches it is sent well-formed packets or nothing, and the others notice nothing:
//
//     alice (VP8) ----> node --> bob
//     mallory (?) ------+   +--> eve, who watches mallory
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.h"
#include "media/rtp/dependency_descriptor.h"
#include "tests/media/layers/scalable_source.h"
#include "tests/media/rtp/bytes.h"
#include "tests/media/worker/innocents.h"
#include "tests/media/worker/raw_rtp.h"

namespace isthmus::media::testing {
namespace {

using rtp::Bytes;
using sfu::Direction;
using std::chrono::milliseconds;

constexpr std::uint8_t kRedType = 63;
constexpr std::uint32_t kSsrc = 0xBAD;

double seconds_of(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

sfu::MediaSection section_of(rtp::Codec codec, Direction direction) {
    sfu::MediaSection section = video_section(direction);
    section.formats[0].codec = codec;
    section.extensions.set(rtp::ExtensionKind::kDependencyDescriptor, kDescriptorId);
    section.extensions.set(rtp::ExtensionKind::kRid, kRidId);
    return section;
}

class HostilePublisher : public ::testing::Test {
  protected:
    void join(const sfu::MediaSection& published, const sfu::MediaSection& watched) {
        former.push_back(std::exchange(mallory, {}));
        former.push_back(std::exchange(eve, {}));
        mallory = meeting.join_connected("mallory", {published});
        eve = join_watching(meeting, "eve", "mallory", {watched});
    }

    void join(rtp::Codec codec) {
        join(section_of(codec, Direction::kReceive), section_of(codec, Direction::kSend));
    }

    void send(const rtp::RtpParts& parts, const RawExtensions& extensions = {}) {
        EXPECT_TRUE(mallory.client->ice().send_rtp(make_raw_rtp(parts, extensions)));
        meeting.network().settle(*mallory.client);
    }

    [[nodiscard]] Bytes random_bytes(std::size_t most) {
        Bytes made(random.next_u32() % (most + 1));
        random.fill(made);
        return made;
    }

    [[nodiscard]] std::vector<sfu::StreamInfo> streams() {
        return meeting.participant("mallory")->tracks[0].streams;
    }

    [[nodiscard]] std::uint64_t cache_bytes() {
        std::uint64_t bytes = 0;
        for (const sfu::StreamInfo& stream : streams()) {
            bytes += stream.cache_bytes;
        }
        return bytes;
    }

    [[nodiscard]] std::uint64_t bad_payloads() { return meeting.core().stats().rtp_bad_payloads; }

    // Numbers of what eve is sent go up by one, so that she asks for nothing that never was.
    void expect_unbroken_for_eve() const {
        const auto& received = eve.client->rtp;
        for (std::size_t i = 1; i < received.size(); ++i) {
            ASSERT_EQ(received[i].view.seq,
                      static_cast<std::uint16_t>(received[i - 1].view.seq + 1));
        }
    }

    Meeting meeting{71};
    SeededRandom random{3};
    Innocents innocents{meeting};
    Joined mallory{};
    Joined eve{};
    std::vector<Joined> former;  // who left: the network still knows them
};

TEST_F(HostilePublisher, TenThousandSsrcsAreCutOffAtTheLimit) {
    for (const bool with_mid : {true, false}) {
        SCOPED_TRACE(with_mid);
        join(rtp::Codec::kVp8);
        const std::uint64_t before = meeting.core().stats().rtp_unroutable;
        std::uint32_t ssrc = 1;
        innocents.frames(100, [&] {
            for (int i = 0; i < 100; ++i) {
                send({.ssrc = ssrc++, .payload = vp8_payload(true, 1)},
                     {.mid = with_mid ? "video" : ""});
            }
        });
        EXPECT_EQ(streams().size(), 16U);
        EXPECT_EQ(meeting.core().stats().rtp_unroutable - before, 10'000U - 16);
        EXPECT_EQ(eve.client->rtp.size(), 16U);
        EXPECT_LE(cache_bytes(), 16U * 64 * 1024);
        meeting.leave(mallory.connection);
        meeting.leave(eve.connection);
    }
    innocents.expect_unharmed();
}

TEST_F(HostilePublisher, RidsThatWereNotAnnouncedAreNobodys) {
    sfu::MediaSection section = section_of(rtp::Codec::kVp8, Direction::kReceive);
    section.encodings = {{.rid = "q"}, {.rid = "h"}};
    join(section, section_of(rtp::Codec::kVp8, Direction::kSend));
    std::uint32_t ssrc = 1;
    innocents.frames(50, [&] {
        for (int i = 0; i < 100; ++i, ++ssrc) {
            send({.ssrc = ssrc, .payload = vp8_payload(true, 1)},
                 {.rid = ssrc % 2 == 0 ? "" : "r" + std::to_string(ssrc)});
        }
    });
    EXPECT_TRUE(streams().empty());
    EXPECT_EQ(meeting.core().stats().rtp_unroutable, 5'000U);
    // And of those that were, each may begin anew only so often.
    innocents.frames(50, [&] {
        for (int i = 0; i < 100; ++i, ++ssrc) {
            send({.ssrc = ssrc, .payload = vp8_payload(true, 1)}, {.rid = ssrc % 2 ? "q" : "h"});
        }
    });
    EXPECT_EQ(streams().size(), 16U);
    EXPECT_EQ(meeting.core().stats().rtp_unroutable, 10'000U - 16);
    innocents.expect_unharmed();
}

TEST_F(HostilePublisher, TwoHundredMegabitsASecondAreCutToTheLimit) {
    join(rtp::Codec::kVp8);
    Bytes payload = vp8_payload(true, 1);
    payload.resize(1150);
    rtp::RtpParts packet{.ssrc = kSsrc, .payload = payload};
    innocents.frames(60, [&] {
        packet.timestamp += 3000;
        for (int i = 0; i < 720; ++i) {
            ++packet.seq;
            send(packet);
        }
    });
    innocents.expect_unharmed();
    const double seconds = seconds_of(innocents.elapsed());
    std::size_t forwarded = 0;
    for (const ReceivedRtp& received : eve.client->rtp) {
        forwarded += received.view.payload.size();
    }
    EXPECT_LT(static_cast<double>(forwarded), 20e6 / 8 * (seconds + 1) * 1.01);
    EXPECT_GT(static_cast<double>(forwarded), 20e6 / 8 * seconds);
    const sfu::WorkerStats stats = meeting.core().stats();
    EXPECT_GT(stats.limit_bitrate_drops, 60U * 720 / 2);
    EXPECT_LE(cache_bytes(), 1U << 20U);
}

TEST_F(HostilePublisher, CachesThatWereFilledOneAfterAnotherAreGivenBack) {
    join(rtp::Codec::kVp8);
    Bytes payload = vp8_payload(true, 1);
    payload.resize(1150);
    std::uint64_t most = 0;
    for (std::uint32_t ssrc = 1; ssrc <= 16; ++ssrc) {
        std::uint16_t seq = 0;
        innocents.frames(31, [&] {
            for (int i = 0; i < 60; ++i) {
                send({.seq = seq++, .ssrc = ssrc, .payload = payload});
            }
        });
        most = std::max(most, cache_bytes());
    }
    innocents.expect_unharmed();
    // Two of a MiB, and two slabs for each of the others.
    EXPECT_GT(most, 1U << 20U);
    EXPECT_LE(most, (2U << 20U) + 14U * 64 * 1024);
}

TEST_F(HostilePublisher, NumbersAndTimesThatJumpCostLittle) {
    join(rtp::Codec::kVp8);
    std::uint16_t creeping = 0;
    innocents.frames(300, [&] {
        for (int i = 0; i < 10; ++i) {
            const bool wild = random.next_u32() % 2 == 0;
            creeping = static_cast<std::uint16_t>(creeping + 400);
            send({.marker = true,
                  .seq = wild ? static_cast<std::uint16_t>(random.next_u32()) : creeping,
                  .timestamp = random.next_u32(),
                  .ssrc = kSsrc,
                  .payload = vp8_payload(random.next_u32() % 8 == 0, 1)});
        }
    });
    innocents.expect_unharmed();
    const double seconds = seconds_of(innocents.elapsed());
    const sfu::WorkerStats stats = meeting.core().stats();
    EXPECT_GT(stats.rtp_jumps, 100U);
    EXPECT_LT(static_cast<double>(stats.nacks_sent), 5'000 * (seconds + 1));
    EXPECT_LE(eve.client->rtp.size(), 3'000U);
    EXPECT_LT(static_cast<double>(stats.key_frame_requests_sent), 2 * (seconds / 0.3 + 2));
}

TEST_F(HostilePublisher, PayloadsOfNonsenseAreCountedAndHarmNobody) {
    for (const rtp::Codec codec :
         {rtp::Codec::kVp8, rtp::Codec::kVp9, rtp::Codec::kH264, rtp::Codec::kAv1}) {
        SCOPED_TRACE(rtp::name_of(codec));
        join(codec);
        const std::uint64_t before = bad_payloads();
        std::uint16_t seq = 0;
        innocents.frames(100, [&] {
            for (int i = 0; i < 20; ++i) {
                send({.marker = random.next_u32() % 2 == 0,
                      .seq = seq++,
                      .timestamp = seq * 1000U,
                      .ssrc = kSsrc,
                      .payload = random_bytes(30)});
            }
        });
        if (codec != rtp::Codec::kAv1 && codec != rtp::Codec::kH264) {
            EXPECT_GT(bad_payloads(), before) << "of those that have descriptors";
        }
        EXPECT_LE(eve.client->rtp.size(), 2'000U);
        meeting.leave(mallory.connection);
        meeting.leave(eve.connection);
    }
    innocents.expect_unharmed();
}

TEST_F(HostilePublisher, DependencyDescriptorsOfNonsenseAreCountedAndHarmNobody) {
    join(rtp::Codec::kAv1);
    std::uint16_t seq = 0;
    innocents.frames(150, [&] {
        for (int i = 0; i < 20; ++i) {
            send({.seq = seq++, .ssrc = kSsrc, .payload = Bytes(50)},
                 {.descriptor = random_bytes(rtp::kDescriptorBytesMax)});
        }
    });
    EXPECT_GT(bad_payloads(), 1'000U);
    EXPECT_EQ(bad_payloads(), streams()[0].bad_payloads);
    innocents.expect_unharmed();
}

TEST_F(HostilePublisher, StructuresThatChangeWithEveryPacketHarmNobody) {
    join(rtp::Codec::kAv1);
    std::uint16_t seq = 0;
    std::uint32_t number = 0;
    innocents.frames(150, [&] {
        for (const char* mode : {"L1T1", "L3T3", "L2T3_KEY", "S3T3", "L3T1"}) {
            layers::ScalableSource source(
                {.codec = rtp::Codec::kAv1,
                 .mode = layers::Mode::parse(mode),
                 .descriptors = true,
                 .first_picture = static_cast<std::uint16_t>(random.next_u32())});
            // The first of a key frame brings a structure; of the next picture only what refers
            // into one that is another by then.
            const auto key = source.picture(true);
            const auto delta = source.picture(false);
            for (const auto& packet : {key.front(), delta.back(), delta.front()}) {
                send({.marker = true,
                      .seq = seq++,
                      .timestamp = 3000 * number++,
                      .ssrc = kSsrc,
                      .payload = Bytes(packet.view.payload.begin(), packet.view.payload.end())},
                     {.descriptor = packet.descriptor});
            }
        }
    });
    innocents.expect_unharmed();
    EXPECT_LE(eve.client->rtp.size(), seq);
    EXPECT_LE(meeting.participant("mallory")->tracks[0].layers.size(), 32U);
}

TEST_F(HostilePublisher, RetransmissionsThatRepairNothingAreCounted) {
    join(rtp::Codec::kVp8);
    std::uint16_t seq = 0;
    send({.payload_type = kVp8RtxType, .ssrc = 79, .payload = Bytes(100)});
    meeting.run_for(milliseconds(50));
    EXPECT_EQ(meeting.core().stats().rtp_unroutable, 1U) << "of a stream that nobody has seen";
    innocents.frames(100, [&] {
        send({.seq = seq,
              .timestamp = seq * 3000U,
              .ssrc = kSsrc,
              .payload = vp8_payload(seq == 0, 1)});
        for (int i = 0; i < 50; ++i) {
            Bytes repeated = vp8_payload(true, 2);
            repeated.insert(repeated.begin(), 2, std::byte{0});
            store_be16(repeated.data(), seq);  // which has come
            send({.payload_type = kVp8RtxType,
                  .seq = static_cast<std::uint16_t>(seq * 60 + i),
                  .ssrc = 78,
                  .payload = repeated});
        }
        send({.payload_type = kVp8RtxType,
              .seq = static_cast<std::uint16_t>(seq * 60 + 55),
              .ssrc = 78,
              .payload = Bytes(1)});  // no room for a number
        ++seq;
    });
    innocents.expect_unharmed();
    EXPECT_EQ(eve.client->rtp.size(), 100U) << "the originals, once";
    expect_unbroken_for_eve();
    EXPECT_EQ(meeting.core().stats().rtp_duplicates, 100U * 50);
    EXPECT_EQ(streams()[0].packets_repaired, 0U);
}

TEST_F(HostilePublisher, RedWhoseLengthsContradictItIsDroppedAndCounted) {
    sfu::MediaSection published = audio_section(Direction::kReceive);
    published.formats[0].red_payload_type = kRedType;
    sfu::MediaSection watched = audio_section(Direction::kSend);
    watched.formats[0].red_payload_type = kRedType;
    join(published, watched);
    const std::array<Bytes, 6> wrong = {
        Bytes(),
        rtp::bytes({0x80}),                                     // a header that is cut off
        rtp::bytes({0xEF, 0xFF, 0xFF, 0xFF, 111, 1, 2, 3}),     // a block of 1023 bytes
        rtp::bytes({0xEF, 0, 0, 8, 111, 1, 2}),                 // longer than the packet
        Bytes(100, std::byte{0xFF}),                            // headers without end
        rtp::bytes({0xEF, 0, 0, 2, 0xEF, 0, 0, 2, 111, 1, 2}),  // the second is not there
    };
    std::uint16_t seq = 0;
    innocents.frames(100, [&] {
        for (const Bytes& payload : wrong) {
            send({.payload_type = kRedType,
                  .seq = seq++,
                  .timestamp = seq * 960U,
                  .ssrc = kSsrc,
                  .payload = payload},
                 {.mid = "audio"});
        }
    });
    innocents.expect_unharmed();
    EXPECT_EQ(eve.client->rtp.size(), 0U);
    EXPECT_EQ(bad_payloads(), 100U * wrong.size());
    EXPECT_EQ(meeting.core().stats().rtp_unroutable, 0U);
    // And it is heard again as soon as it speaks properly.
    send({.payload_type = kOpusType,
          .seq = seq,
          .timestamp = seq * 960U,
          .ssrc = kSsrc,
          .payload = Bytes(40)},
         {.mid = "audio"});
    meeting.run_for(milliseconds(50));
    EXPECT_EQ(eve.client->rtp.size(), 1U);
}

TEST_F(HostilePublisher, EmptyPacketsAndPaddingReachNobody) {
    join(rtp::Codec::kVp8);
    send({.seq = 0, .ssrc = kSsrc, .payload = vp8_payload(true, 1)});
    std::uint16_t seq = 1;
    innocents.frames(100, [&] {
        for (int i = 0; i < 20; ++i) {
            send({.seq = seq++,
                  .timestamp = 1000,
                  .ssrc = kSsrc,
                  .padding = static_cast<std::uint8_t>(i % 2 == 0 ? 0 : 255)});
        }
        send({.seq = seq++,
              .timestamp = 1000 + seq * 300U,
              .ssrc = kSsrc,
              .payload = vp8_payload(false, 1)});
    });
    innocents.expect_unharmed();
    EXPECT_EQ(eve.client->rtp.size(), 101U) << "what has a payload";
    expect_unbroken_for_eve();
}

}  // namespace
}  // namespace isthmus::media::testing
