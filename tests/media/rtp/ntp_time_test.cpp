#include "media/rtp/ntp_time.h"

#include <gtest/gtest.h>

#include "tests/media/rtp/bytes.h"

namespace isthmus::media::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(NtpTime, CountsFrom1900) {
    EXPECT_EQ(ntp_from_unix(seconds(0)).value, 2'208'988'800ULL << 32U);
    EXPECT_EQ(ntp_from_unix(milliseconds(500)).value, (2'208'988'800ULL << 32U) | 0x8000'0000U);
}

TEST(NtpTime, TakesTheMiddleThirtyTwoBits) {
    EXPECT_EQ((NtpTime{0x11112222'33334444ULL}.middle()), 0x22223333U);
}

TEST(NtpTime, AdvancesAndMeasuresToTheNanosecond) {
    const NtpTime start{0xdeadbeef'12345678ULL};
    for (const std::int64_t ns : {0LL, 1LL, 999'999'999LL, 1'000'000'000LL, 86'400'000'000'123LL}) {
        EXPECT_EQ((start + nanoseconds(ns)) - start, nanoseconds(ns));
        EXPECT_EQ((start + nanoseconds(-ns)) - start, nanoseconds(-ns));
    }
}

TEST(NtpTime, MeasuresOverTheWrapIn2036) {
    const NtpTime before{0xffffffff'80000000ULL};
    const NtpTime after = before + seconds(1);
    EXPECT_EQ(after.value, 0x00000000'80000000ULL);
    EXPECT_EQ(after - before, seconds(1));
    EXPECT_EQ(before - after, seconds(-1));
}

TEST(NtpTime, ConvertsDelays) {
    EXPECT_EQ(to_middle_units(milliseconds(1500)), 0x0001'8000U);
    EXPECT_EQ(from_middle_units(0x0001'8000U), milliseconds(1500));
    EXPECT_EQ(to_middle_units(milliseconds(-5)), 0U);
    EXPECT_EQ(to_middle_units(std::chrono::hours(1000)), 65535U << 16U);
}

TEST(NtpClock, GoesBothWays) {
    const NtpClock clock(at_ms(5000), ntp_from_unix(seconds(1'700'000'000)));
    EXPECT_EQ(clock.to_ntp(at_ms(6250)), ntp_from_unix(milliseconds(1'700'000'001'250)));
    EXPECT_EQ(clock.to_instant(clock.to_ntp(at_ms(123'456))), at_ms(123'456));
    EXPECT_EQ(clock.to_instant(clock.to_ntp(at_ms(-42))), at_ms(-42));
}

// The example of RFC 3550 section 6.4.1, figure 2: A = 0xb710:8000, LSR = 0xb705:2000,
// DLSR = 0x0005:4000; the round trip is 6.125 s.
TEST(RoundTrip, GivesWhatTheRfcComputes) {
    const NtpTime now{0xb44db710'80000000ULL};
    EXPECT_EQ(round_trip(now, 0xb7052000U, 0x00054000U), milliseconds(6125));
}

TEST(RoundTrip, KnowsNothingBeforeTheFirstReport) {
    EXPECT_FALSE(round_trip(NtpTime{1ULL << 40U}, 0, 0));
}

TEST(RoundTrip, RefusesNonsense) {
    const NtpTime now{0x0000'0100'0000'0000ULL};
    EXPECT_FALSE(round_trip(now, 1, 0));                            // 256 s ago
    EXPECT_FALSE(round_trip(now, now.middle(), 0x10000));           // answered before it was sent
    EXPECT_EQ(round_trip(now, now.middle(), 1), Duration::zero());  // by rounding
}

TEST(RoundTrip, GoesOverTheWrapOfTheMiddleBits) {
    const NtpTime now{0x0000'0001'0000'8000ULL};
    const std::uint32_t sent = now.middle() - 0x8000U - 0x1'0000U;
    EXPECT_EQ(round_trip(now, sent, 0x8000U), seconds(1));
    const NtpTime wrapped{0x0001'0000'4000'0000ULL};
    EXPECT_EQ(round_trip(wrapped, 0xffff'c000U, 0), milliseconds(500));
}

}  // namespace
}  // namespace isthmus::media::rtp
