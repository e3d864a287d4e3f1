// Unpredictable bytes. Cores take a RandomSource, so that tests can replay a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace isthmus {

class RandomSource {
  public:
    virtual ~RandomSource() = default;
    virtual void fill(std::span<std::byte> out) = 0;

    [[nodiscard]] std::uint32_t next_u32();
    [[nodiscard]] std::uint64_t next_u64();
    // `length` characters from A-Z a-z 0-9: about 5.95 bits each. Safe in ice-ufrag, ice-pwd, URLs.
    [[nodiscard]] std::string next_token(std::size_t length);
};

// OpenSSL's generator; CHECKs that it works. Any thread.
class SystemRandom final : public RandomSource {
  public:
    void fill(std::span<std::byte> out) override;
};

// The same bytes for the same seed (splitmix64): for tests and simulations, never for secrets.
class SeededRandom final : public RandomSource {
  public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

    void fill(std::span<std::byte> out) override;

  private:
    std::uint64_t state_;
};

}  // namespace isthmus
