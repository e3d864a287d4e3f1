// Amounts of data and rates of it, so that bits and bytes, and sizes and speeds, are told apart by
// the compiler.
//
// A rate times a time is a size, a size over a time is a rate, a size over a rate is a time.
// Products go through double: exact to 2^53, which no line that we know sends in a day.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include "base/time.h"

namespace isthmus {

class DataSize {
  public:
    constexpr DataSize() = default;

    [[nodiscard]] static constexpr DataSize bytes(std::int64_t bytes) { return DataSize(bytes); }

    [[nodiscard]] constexpr std::int64_t bytes() const { return bytes_; }

    [[nodiscard]] constexpr std::int64_t bits() const { return bytes_ * 8; }

    constexpr DataSize& operator+=(DataSize other) {
        bytes_ += other.bytes_;
        return *this;
    }

    constexpr DataSize& operator-=(DataSize other) {
        bytes_ -= other.bytes_;
        return *this;
    }

    friend constexpr DataSize operator+(DataSize a, DataSize b) { return a += b; }

    friend constexpr DataSize operator-(DataSize a, DataSize b) { return a -= b; }

    friend constexpr DataSize operator*(DataSize size, double factor) {
        return DataSize(static_cast<std::int64_t>(static_cast<double>(size.bytes_) * factor));
    }

    friend constexpr auto operator<=>(DataSize, DataSize) = default;

  private:
    explicit constexpr DataSize(std::int64_t bytes) : bytes_(bytes) {}

    std::int64_t bytes_ = 0;
};

class DataRate {
  public:
    constexpr DataRate() = default;

    [[nodiscard]] static constexpr DataRate bps(std::int64_t bps) { return DataRate(bps); }

    [[nodiscard]] static constexpr DataRate kbps(std::int64_t kbps) {
        return DataRate(kbps * 1000);
    }

    // No limit; not to be reckoned with, only compared.
    [[nodiscard]] static constexpr DataRate unlimited() {
        return DataRate(std::numeric_limits<std::int64_t>::max());
    }

    [[nodiscard]] constexpr std::int64_t bps() const { return bps_; }

    [[nodiscard]] constexpr bool is_unlimited() const { return *this == unlimited(); }

    constexpr DataRate& operator+=(DataRate other) {
        bps_ += other.bps_;
        return *this;
    }

    constexpr DataRate& operator-=(DataRate other) {
        bps_ -= other.bps_;
        return *this;
    }

    friend constexpr DataRate operator+(DataRate a, DataRate b) { return a += b; }

    friend constexpr DataRate operator-(DataRate a, DataRate b) { return a -= b; }

    friend constexpr DataRate operator*(DataRate rate, double factor) {
        return DataRate(static_cast<std::int64_t>(static_cast<double>(rate.bps_) * factor));
    }

    // How many times `b` goes into `a`; `b` is not zero.
    friend constexpr double operator/(DataRate a, DataRate b) {
        return static_cast<double>(a.bps_) / static_cast<double>(b.bps_);
    }

    friend constexpr auto operator<=>(DataRate, DataRate) = default;

  private:
    explicit constexpr DataRate(std::int64_t bps) : bps_(bps) {}

    std::int64_t bps_ = 0;
};

[[nodiscard]] constexpr DataSize operator*(DataRate rate, Duration time) {
    return DataSize::bytes(static_cast<std::int64_t>(static_cast<double>(rate.bps()) *
                                                     static_cast<double>(time.count()) / 8e9));
}

// `time` is above zero.
[[nodiscard]] constexpr DataRate operator/(DataSize size, Duration time) {
    return DataRate::bps(static_cast<std::int64_t>(static_cast<double>(size.bits()) * 1e9 /
                                                   static_cast<double>(time.count())));
}

// `rate` is above zero.
[[nodiscard]] constexpr Duration operator/(DataSize size, DataRate rate) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(size.bits()) * 1e9 /
                                               static_cast<double>(rate.bps())));
}

}  // namespace isthmus
