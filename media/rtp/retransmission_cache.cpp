#include "media/rtp/retransmission_cache.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "base/byte_order.h"
#include "base/check.h"

namespace isthmus::media::rtp {
namespace {

constexpr std::size_t kFirstIndexSize = 64;

std::size_t stored_bytes(const RtpPacketView& packet) {
    const bool extended = packet.extension_profile != 0 || !packet.extension.empty();
    return kRtpFixedHeaderBytes + packet.csrcs.size() +
           (extended ? 4 + packet.extension.size() : 0) + packet.payload.size();
}

std::byte* append(std::byte* to, std::span<const std::byte> bytes) {
    if (!bytes.empty()) {
        std::memcpy(to, bytes.data(), bytes.size());
    }
    return to + bytes.size();
}

// Writes the packet that `packet` shows, without its padding.
void write_packet(const RtpPacketView& packet, std::byte* to) {
    const bool extended = packet.extension_profile != 0 || !packet.extension.empty();
    store_u8(to,
             static_cast<std::uint8_t>(0x80U | (extended ? 0x10U : 0U) | packet.csrcs.size() / 4));
    store_u8(to + 1, static_cast<std::uint8_t>((packet.marker ? 0x80U : 0U) | packet.payload_type));
    store_be16(to + 2, packet.seq);
    store_be32(to + 4, value_of(packet.timestamp));
    store_be32(to + 8, packet.ssrc);
    std::byte* at = append(to + kRtpFixedHeaderBytes, packet.csrcs);
    if (extended) {
        store_be16(at, packet.extension_profile);
        store_be16(at + 2, static_cast<std::uint16_t>(packet.extension.size() / 4));
        at = append(at + 4, packet.extension);
    }
    append(at, packet.payload);
}

}  // namespace

RetransmissionCache::RetransmissionCache(CacheLimits limits)
    : limits_(limits), index_(kFirstIndexSize) {
    limits_.packets = std::bit_ceil(std::max(limits.packets, kFirstIndexSize));
    limits_.bytes = std::max(limits.bytes, kCacheBytesMin);
    limits_.age = std::max<Duration>(limits.age, std::chrono::milliseconds(100));
}

std::optional<RtpPacketView> RetransmissionCache::store(Instant now,
                                                        ExtendedSeq seq,
                                                        const RtpPacketView& packet) {
    const std::size_t bytes = stored_bytes(packet);
    if (bytes > kPacketBytesMax) {
        return std::nullopt;
    }
    Entry* const entry = claim_entry(now, seq);
    if (entry == nullptr) {
        return std::nullopt;
    }
    if (entry->seq == seq && alive(*entry)) {
        return view_of(*entry);
    }
    if (current_ == kNoSlab || slabs_[current_].used + bytes > kSlabBytes) {
        claim_slab(now);
    }
    Slab& slab = slabs_[current_];
    write_packet(packet, slab.bytes.get() + slab.used);
    *entry = Entry{.seq = seq,
                   .arrived = now,
                   .lap = slab.lap,
                   .slab = current_,
                   .offset = static_cast<std::uint16_t>(slab.used),
                   .bytes = static_cast<std::uint16_t>(bytes)};
    slab.used += bytes;
    slab.newest = now;
    return view_of(*entry);
}

std::optional<RtpPacketView> RetransmissionCache::find(Instant now, ExtendedSeq seq) const {
    const Entry& entry = entry_at(seq);
    return holds(entry, seq) && !expired(now, entry.arrived) ? std::optional(view_of(entry))
                                                             : std::nullopt;
}

std::optional<RtpPacketView> RetransmissionCache::find_held(ExtendedSeq seq) const {
    const Entry& entry = entry_at(seq);
    return holds(entry, seq) ? std::optional(view_of(entry)) : std::nullopt;
}

bool RetransmissionCache::alive(const Entry& entry) const {
    return entry.slab != kNoSlab && slabs_[entry.slab].lap == entry.lap;
}

RtpPacketView RetransmissionCache::view_of(const Entry& entry) const {
    const auto view =
        RtpPacketView::parse(std::span(slabs_[entry.slab].bytes.get() + entry.offset, entry.bytes));
    CHECK(view.has_value());
    return *view;
}

// The place for `seq`, or the packet's own if it is there already; null where the place belongs to
// a newer packet.
RetransmissionCache::Entry* RetransmissionCache::claim_entry(Instant now, ExtendedSeq seq) {
    for (;;) {
        Entry& entry = index_[value_of(seq) & (index_.size() - 1)];
        if (!alive(entry) || entry.seq == seq) {
            return &entry;
        }
        if (index_.size() < limits_.packets && !expired(now, entry.arrived) &&
            static_cast<std::size_t>(std::abs(distance(entry.seq, seq))) < limits_.packets) {
            grow_index();
            continue;
        }
        return entry.seq < seq ? &entry : nullptr;
    }
}

void RetransmissionCache::grow_index() {
    std::vector<Entry> larger(index_.size() * 2);
    for (const Entry& entry : index_) {
        if (alive(entry)) {
            larger[value_of(entry.seq) & (larger.size() - 1)] = entry;
        }
    }
    index_ = std::move(larger);
}

// Makes the next slab the current one: the one after it in the ring if nothing in that is of use
// any more or the byte limit allows no more, else a new one.
void RetransmissionCache::claim_slab(Instant now) {
    if (current_ == kNoSlab) {
        current_ = add_slab();
        slabs_[current_].next = current_;
        return;
    }
    const std::uint16_t next = slabs_[current_].next;
    const bool full = (slabs_held_ + 1) * kSlabBytes > limits_.bytes;
    if (full || (next != current_ && expired(now, slabs_[next].newest))) {
        Slab& slab = slabs_[next];
        slab.used = 0;
        ++slab.lap;
        current_ = next;
        return;
    }
    const std::uint16_t added = add_slab();
    slabs_[added].next = next;
    slabs_[current_].next = added;
    current_ = added;
}

std::uint16_t RetransmissionCache::add_slab() {
    const auto given_back =
        std::ranges::find_if(slabs_, [](const Slab& slab) { return slab.bytes == nullptr; });
    const auto place = static_cast<std::uint16_t>(given_back - slabs_.begin());
    if (given_back == slabs_.end()) {
        slabs_.emplace_back();
    }
    Slab& slab = slabs_[place];
    slab.bytes = std::make_unique_for_overwrite<std::byte[]>(kSlabBytes);
    slab.used = 0;
    ++slabs_held_;
    return place;
}

void RetransmissionCache::trim(Instant now) {
    if (current_ == kNoSlab) {
        return;
    }
    // The oldest come first behind the current one; the spare is the one that is used next.
    std::uint16_t spare = slabs_[current_].next;
    if (spare == current_ || !expired(now, slabs_[spare].newest)) {
        return;
    }
    while (slabs_[spare].next != current_ && expired(now, slabs_[slabs_[spare].next].newest)) {
        Slab& idle = slabs_[slabs_[spare].next];
        slabs_[spare].next = idle.next;
        idle.bytes.reset();
        ++idle.lap;
        --slabs_held_;
    }
}

std::size_t RetransmissionCache::bytes_held() const {
    return slabs_held_ * kSlabBytes;
}

}  // namespace isthmus::media::rtp
