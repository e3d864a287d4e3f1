// HMAC-SHA1 (RFC 2104) with the padded key hashed beforehand: what SRTP's tags are cut from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace isthmus::media::transport {

inline constexpr std::size_t kSha1Bytes = 20;

class HmacSha1 {
  public:
    using State = std::array<std::uint32_t, kSha1Bytes / sizeof(std::uint32_t)>;

    explicit HmacSha1(std::span<const std::byte, kSha1Bytes> key);
    HmacSha1(const HmacSha1&) = delete;
    HmacSha1& operator=(const HmacSha1&) = delete;
    ~HmacSha1();  // wipes

    void digest(std::span<const std::byte> message, std::span<std::byte, kSha1Bytes> out) const;

    // SHA-1's state after the key XOR ipad, and after the key XOR opad; for engines that hash many
    // messages abreast.
    [[nodiscard]] const State& inner() const { return inner_; }

    [[nodiscard]] const State& outer() const { return outer_; }

  private:
    alignas(16) State inner_{};
    alignas(16) State outer_{};
};

}  // namespace isthmus::media::transport
