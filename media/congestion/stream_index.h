// Finds a packet's transport-wide number by its SSRC and RTP sequence number, for receivers whose
// feedback speaks of those (RFC 8888).
//
// A hash table of fixed size in sets of four, the oldest of a set giving way. Allocated with the
// first packet: nobody else pays for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace isthmus::media::congestion {

class StreamIndex {
  public:
    // `packets` is a power of two; half of them are found for certain, nearly.
    explicit StreamIndex(std::size_t packets) : sets_(packets / kWays) {}

    void insert(std::uint32_t ssrc, std::uint16_t rtp_seq, std::uint16_t transport_seq);

    // Nothing where it was never inserted, or has given way.
    [[nodiscard]] std::optional<std::uint16_t> find(std::uint32_t ssrc,
                                                    std::uint16_t rtp_seq) const;

    // Bytes of memory.
    [[nodiscard]] std::size_t memory_bytes() const { return table_.capacity() * sizeof(Entry); }

  private:
    static constexpr std::size_t kWays = 4;

    struct Entry {
        std::uint32_t ssrc = 0;
        std::uint16_t rtp_seq = 0;
        std::uint16_t transport_seq = 0;
    };

    [[nodiscard]] std::size_t set_of(std::uint32_t ssrc, std::uint16_t rtp_seq) const {
        // Fibonacci hashing; the sets' number is a power of two.
        const std::uint64_t key = (std::uint64_t{ssrc} << 16U | rtp_seq) * 0x9e3779b97f4a7c15ULL;
        return static_cast<std::size_t>(key >> 32U) & (sets_ - 1);
    }

    std::size_t sets_;
    // Of each set the newest first.
    std::vector<Entry> table_;
};

}  // namespace isthmus::media::congestion
