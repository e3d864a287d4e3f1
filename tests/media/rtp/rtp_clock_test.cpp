#include "media/rtp/rtp_clock.h"

#include <gtest/gtest.h>

#include "media/rtp/send_stream.h"
#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Ticks, ConvertBothWays) {
    EXPECT_EQ(ticks_in(milliseconds(20), 48000), 960);
    EXPECT_EQ(ticks_in(milliseconds(-20), 48000), -960);
    EXPECT_EQ(ticks_in(std::chrono::hours(24 * 365), 90000), 90000LL * 3600 * 24 * 365);
    EXPECT_EQ(duration_of(90000, 90000), seconds(1));
    EXPECT_EQ(duration_of(-45000, 90000), milliseconds(-500));
}

TEST(RtpClock, KnowsNothingBeforeTheFirstReport) {
    const RtpClock clock(90000);
    EXPECT_FALSE(clock.timestamp_at(at_ms(0)));
    EXPECT_FALSE(clock.instant_of(RtpTimestamp{1}));
}

TEST(RtpClock, ExtrapolatesBothWaysOverTheWrap) {
    RtpClock clock(90000);
    clock.on_sender_report(at_ms(1000), RtpTimestamp{0xffff'fff0});
    EXPECT_EQ(clock.timestamp_at(at_ms(1001)), RtpTimestamp{0x4a});
    EXPECT_EQ(clock.timestamp_at(at_ms(999)), RtpTimestamp{0xffff'fff0 - 90});
    EXPECT_EQ(clock.instant_of(RtpTimestamp{0x4a}), at_ms(1001));
}

TEST(RtpClock, IgnoresReportsOutOfOrder) {
    RtpClock clock(1000);
    clock.on_sender_report(at_ms(1000), RtpTimestamp{5000});
    clock.on_sender_report(at_ms(500), RtpTimestamp{9999});
    EXPECT_EQ(clock.timestamp_at(at_ms(1000)), RtpTimestamp{5000});
}

// A publisher whose clock is years off sends sound and picture; its reports take different times to
// arrive. What the receiver computes from the node's reports has to agree with what the publisher
// meant, to within a fraction of what anybody can hear.
TEST(SourceClock, KeepsSoundAndPictureOfOnePublisherInStep) {
    SourceClock source;
    RtpClock audio(48000);
    RtpClock video(90000);
    const NtpTime epoch = ntp_from_unix(seconds(1'000));  // 1970
    // At the publisher's time t, audio shows 7 + 48 t and video 100 + 90 t (t in ms).
    for (int second = 0; second < 60; ++second) {
        const std::int64_t sent = 1000L * second;
        const std::int64_t slow_network = (second * 37) % 90;
        audio.on_sender_report(source.on_sender_report(at_ms(50'000 + sent + slow_network),
                                                       epoch + (milliseconds(sent))),
                               RtpTimestamp{static_cast<std::uint32_t>(7 + 48 * sent)});
        video.on_sender_report(
            source.on_sender_report(at_ms(50'000 + sent + 300 + (slow_network * 3) % 80),
                                    epoch + (milliseconds(sent + 300))),
            RtpTimestamp{static_cast<std::uint32_t>(100 + 90 * (sent + 300))});
        // Ask both what they show at the same instant: it must be the same publisher's time.
        const Instant now = at_ms(50'000 + sent + 700);
        const double audio_ms = (value_of(*audio.timestamp_at(now)) - 7) / 48.0;
        const double video_ms = (value_of(*video.timestamp_at(now)) - 100) / 90.0;
        EXPECT_NEAR(audio_ms, video_ms, 1.0) << second;
        EXPECT_NEAR(audio_ms, static_cast<double>(sent + 700), 100) << second;
    }
    EXPECT_EQ(source.steps(), 0U);
}

TEST(SourceClock, FollowsDriftSlowly) {
    SourceClock source;
    const NtpTime epoch = ntp_from_unix(seconds(5));
    // The publisher's clock is 100 ppm slow: without correction it would be 360 ms off in an hour.
    Instant meant;
    for (std::int64_t second = 0; second <= 3600; ++second) {
        meant = source.on_sender_report(
            at_ms(1000 * second),
            epoch + (milliseconds(1000 * second) - microseconds(100 * second)));
    }
    EXPECT_EQ(source.steps(), 0U);
    const Duration error = at_ms(3600 * 1000) - meant;
    EXPECT_LT(error, milliseconds(1));
    EXPECT_GT(error, milliseconds(-1));
}

TEST(SourceClock, FollowsAStepAtOnce) {
    SourceClock source;
    const NtpTime epoch = ntp_from_unix(seconds(5));
    EXPECT_EQ(source.on_sender_report(at_ms(0), epoch), at_ms(0));
    EXPECT_EQ(source.on_sender_report(at_ms(1000), epoch + (std::chrono::hours(3))), at_ms(1000));
    EXPECT_EQ(source.steps(), 1U);
    EXPECT_EQ(source.on_sender_report(at_ms(2000), epoch + (std::chrono::hours(3) + seconds(1))),
              at_ms(2000));
    EXPECT_EQ(source.steps(), 1U);
}

TEST(SendStream, CountsWhatItSendsModulo32Bits) {
    SendStream stream(7, 90000);
    stream.on_packet_sent(1000);
    stream.on_packet_sent(0xffff'ffff);
    const SenderInfo info = stream.make_sender_info(NtpTime{5}, RtpTimestamp{6});
    EXPECT_EQ(info, (SenderInfo{.ntp = {5}, .rtp = RtpTimestamp{6}, .packets = 2, .octets = 999}));
    EXPECT_EQ(stream.bytes(), 1000 + 0xffff'ffffULL);
}

TEST(SendStream, LearnsFromReceiverReports) {
    SendStream stream(7, 90000);
    const NtpTime now = ntp_from_unix(seconds(1'700'000'000));
    const NtpTime sent = now + (milliseconds(-1250));
    stream.on_report_block(now,
                           {.ssrc = 7,
                            .fraction_lost = 64,
                            .cumulative_lost = 12,
                            .highest_seq = 99,
                            .jitter = 900,
                            .last_sr = sent.middle(),
                            .delay_since_last_sr = to_middle_units(seconds(1))});
    EXPECT_EQ(stream.receiver().loss_ratio, 0.25);
    EXPECT_EQ(stream.receiver().cumulative_lost, 12);
    EXPECT_EQ(stream.receiver().jitter_seconds, 0.01);
    ASSERT_TRUE(stream.receiver().rtt);
    EXPECT_NEAR(std::chrono::duration<double>(*stream.receiver().rtt).count(), 0.25, 0.0001);
    // A report that answers none of ours keeps what is known.
    stream.on_report_block(now, {.ssrc = 7});
    EXPECT_TRUE(stream.receiver().rtt);
    EXPECT_EQ(stream.receiver().loss_ratio, 0);
}

}  // namespace
}  // namespace isthmus::media::rtp
