// Keeps the last second of one received stream: what forwarding sends from and retransmission
// repeats.
//
// store() makes the one copy of a packet's life: plaintext, header and payload, without padding.
// Bytes lie in slabs that are filled in order; a slab is used again when all in it is older than
// the age limit or the byte limit is reached. Slabs and index grow as the stream needs them: a
// quiet stream holds one slab and a small index. Nothing is allocated once the stream has settled.
//
// Views that store() and find() return stay valid for the next kBatchPackets calls of store(), and
// until trim(): long enough for one batch.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/rtp/rtp_packet.h"
#include "media/rtp/sequence.h"

namespace isthmus::media::rtp {

struct CacheLimits {
    std::size_t packets = 512;                         // rounded up to a power of two, at least 64
    std::size_t bytes = std::size_t{2} * 1024 * 1024;  // at least kCacheBytesMin
    // Beyond a second a video receiver has given up or asked for a key frame. At least 100 ms.
    Duration age = std::chrono::seconds(1);
};

// A batch of 64 of the largest packets and two slabs.
inline constexpr std::size_t kCacheBytesMin = std::size_t{256} * 1024;

class RetransmissionCache {
  public:
    static constexpr std::size_t kBatchPackets = 64;
    // Larger ones are refused; no datagram from the network is. Bytes.
    static constexpr std::size_t kPacketBytesMax = 2048;

    explicit RetransmissionCache(CacheLimits limits);

    // Copies `packet`, and returns it as it lies in the cache; for a number that is there already,
    // the one that is there. Nothing where the packet is too large, or so old that a newer one has
    // its place. `seq` is the publisher's.
    std::optional<RtpPacketView> store(Instant now, ExtendedSeq seq, const RtpPacketView& packet);

    // Nothing where it never came, or is older than the limits.
    [[nodiscard]] std::optional<RtpPacketView> find(Instant now, ExtendedSeq seq) const;

    // The same, however old: for a packet that was taken in time and had to wait since.
    [[nodiscard]] std::optional<RtpPacketView> find_held(ExtendedSeq seq) const;

    // Gives back memory that only holds what is too old, but for one spare slab. Call about once a
    // second, between batches.
    void trim(Instant now);

    // Memory held for packets.
    [[nodiscard]] std::size_t bytes_held() const;

  private:
    static constexpr std::size_t kSlabBytes = std::size_t{32} * 1024;
    static constexpr std::uint16_t kNoSlab = 0xffff;

    struct Slab {
        std::unique_ptr<std::byte[]> bytes;  // null where given back
        std::size_t used = 0;
        std::uint16_t next = 0;  // the ring in the order of filling
        std::uint32_t lap = 0;   // counts its uses: entries of earlier ones are void
        Instant newest{};        // arrival of the last packet in it
    };

    struct Entry {
        ExtendedSeq seq{};
        Instant arrived{};
        std::uint32_t lap = 0;
        std::uint16_t slab = kNoSlab;
        std::uint16_t offset = 0;
        std::uint16_t bytes = 0;
    };

    [[nodiscard]] bool alive(const Entry& entry) const;

    [[nodiscard]] const Entry& entry_at(ExtendedSeq seq) const {
        return index_[value_of(seq) & (index_.size() - 1)];
    }

    [[nodiscard]] bool holds(const Entry& entry, ExtendedSeq seq) const {
        return entry.seq == seq && alive(entry);
    }

    [[nodiscard]] bool expired(Instant now, Instant arrived) const {
        return now - arrived > limits_.age;
    }

    [[nodiscard]] RtpPacketView view_of(const Entry& entry) const;
    Entry* claim_entry(Instant now, ExtendedSeq seq);
    void grow_index();
    void claim_slab(Instant now);
    std::uint16_t add_slab();

    CacheLimits limits_;
    std::vector<Entry> index_;  // at seq modulo size, which is a power of two
    std::vector<Slab> slabs_;
    std::uint16_t current_ = kNoSlab;
    std::size_t slabs_held_ = 0;
};

}  // namespace isthmus::media::rtp
