#include "media/rtp/ntp_time.h"

#include <algorithm>

namespace isthmus::media::rtp {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
// 70 years, 17 of them leap years (RFC 868).
constexpr std::uint64_t kSecondsFrom1900To1970 = 2'208'988'800;

}  // namespace

Duration operator-(NtpTime to, NtpTime from) {
    const auto difference = static_cast<std::int64_t>(to.value - from.value);
    // Whole seconds and fraction apart: 2^31 s of ns fit into 64 bits, the product of both does
    // not.
    const std::int64_t seconds = difference >> 32;
    const auto fraction = static_cast<std::uint64_t>(difference) & 0xffff'ffffU;
    const std::uint64_t ns = (fraction * kNsPerSecond + (std::uint64_t{1} << 31U)) >> 32U;
    return Duration(seconds * kNsPerSecond + static_cast<std::int64_t>(ns));
}

NtpTime operator+(NtpTime time, Duration by) {
    std::int64_t seconds = by.count() / kNsPerSecond;
    std::int64_t ns = by.count() % kNsPerSecond;
    if (ns < 0) {
        ns += kNsPerSecond;
        --seconds;
    }
    const std::uint64_t fraction =
        ((static_cast<std::uint64_t>(ns) << 32U) + kNsPerSecond / 2) / kNsPerSecond;
    return {time.value + (static_cast<std::uint64_t>(seconds) << 32U) + fraction};
}

NtpTime ntp_from_unix(std::chrono::nanoseconds since_1970) {
    return NtpTime{kSecondsFrom1900To1970 << 32U} + since_1970;
}

std::uint32_t to_middle_units(Duration duration) {
    // 2^32 units are 65536 s.
    constexpr Duration kMax = std::chrono::seconds(65535);
    const auto ns =
        static_cast<std::uint64_t>(std::clamp(duration, Duration::zero(), kMax).count());
    return static_cast<std::uint32_t>(ns / kNsPerSecond << 16U |
                                      (ns % kNsPerSecond << 16U) / kNsPerSecond);
}

Duration from_middle_units(std::uint32_t units) {
    return Duration(static_cast<std::int64_t>((std::uint64_t{units} * kNsPerSecond) >> 16U));
}

std::optional<Duration> round_trip(NtpTime now,
                                   std::uint32_t last,
                                   std::uint32_t delay_since_last) {
    constexpr Duration kMax = std::chrono::seconds(30);
    if (last == 0) {
        return std::nullopt;
    }
    const std::uint32_t units = now.middle() - last - delay_since_last;
    // Rounding on both sides can make it slightly negative on a fast network.
    if (units >= 0xffff'ff00U) {
        return Duration::zero();
    }
    const Duration measured = from_middle_units(units);
    if (measured > kMax) {
        return std::nullopt;
    }
    return measured;
}

}  // namespace isthmus::media::rtp
