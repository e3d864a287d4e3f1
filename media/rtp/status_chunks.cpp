#include "media/rtp/status_chunks.h"

#include <algorithm>
#include <bit>

#include "base/byte_order.h"
#include "base/check.h"
#include "media/rtp/rtcp_writer.h"

namespace isthmus::media::rtp {
namespace {

enum class Symbol : std::uint8_t { kNotReceived = 0, kSmallDelta = 1, kLargeDelta = 2 };

constexpr std::size_t kRunMax = 0x1fff;  // 13 bits
constexpr std::size_t kOneBitSymbols = 14;
constexpr std::size_t kTwoBitSymbols = 7;

Symbol symbol_of(std::int32_t delta) {
    if (delta == RtcpWriter::kNotReceived) {
        return Symbol::kNotReceived;
    }
    DCHECK(delta >= -0x8000 && delta <= 0x7fff);
    return delta >= 0 && delta <= 0xff ? Symbol::kSmallDelta : Symbol::kLargeDelta;
}

struct Chunk {
    std::uint16_t bits = 0;
    std::size_t statuses = 0;  // how many of the deltas it tells of
};

std::size_t run_length(std::span<const std::int32_t> deltas) {
    const Symbol first = symbol_of(deltas.front());
    std::size_t length = 1;
    while (length < deltas.size() && length < kRunMax && symbol_of(deltas[length]) == first) {
        ++length;
    }
    return length;
}

// The chunk that `deltas` begins with.
Chunk next_chunk(std::span<const std::int32_t> deltas) {
    const std::size_t run = run_length(deltas);
    // A run of seven is no worse than a vector; one that ends the message needs no more either.
    if (run >= kTwoBitSymbols || run == deltas.size()) {
        const auto symbol = static_cast<unsigned>(symbol_of(deltas.front()));
        return {.bits = static_cast<std::uint16_t>(symbol << 13U | run), .statuses = run};
    }
    const std::size_t one_bit = std::min(kOneBitSymbols, deltas.size());
    const bool no_large =
        std::none_of(deltas.begin(),
                     deltas.begin() + static_cast<std::ptrdiff_t>(one_bit),
                     [](std::int32_t delta) { return symbol_of(delta) == Symbol::kLargeDelta; });
    const std::size_t statuses = no_large ? one_bit : std::min(kTwoBitSymbols, deltas.size());
    unsigned bits = no_large ? 0x8000U : 0xc000U;
    for (std::size_t i = 0; i < statuses; ++i) {
        const auto symbol = static_cast<unsigned>(symbol_of(deltas[i]));
        bits |= symbol << (no_large ? 13U - i : 12U - 2U * i);
    }
    return {.bits = static_cast<std::uint16_t>(bits), .statuses = statuses};
}

}  // namespace

std::size_t status_bytes(std::span<const std::int32_t> deltas) {
    std::size_t bytes = 0;
    for (const std::int32_t delta : deltas) {
        bytes += static_cast<std::size_t>(symbol_of(delta));  // as many as its number says
    }
    while (!deltas.empty()) {
        deltas = deltas.subspan(next_chunk(deltas).statuses);
        bytes += 2;
    }
    return bytes;
}

std::byte* write_statuses(std::span<const std::int32_t> deltas, std::byte* to) {
    for (std::span<const std::int32_t> rest = deltas; !rest.empty();) {
        const Chunk chunk = next_chunk(rest);
        store_be16(to, chunk.bits);
        to += 2;
        rest = rest.subspan(chunk.statuses);
    }
    for (const std::int32_t delta : deltas) {
        switch (symbol_of(delta)) {
            case Symbol::kNotReceived:
                break;
            case Symbol::kSmallDelta:
                store_u8(to, static_cast<std::uint8_t>(delta));
                to += 1;
                break;
            case Symbol::kLargeDelta:
                store_be16(to, static_cast<std::uint16_t>(delta));
                to += 2;
                break;
        }
    }
    return to;
}

bool is_whole(const TransportFeedback& feedback) {
    std::size_t at = 0;
    std::size_t delta_bytes = 0;
    for (std::size_t left = feedback.status_count; left > 0;) {
        if (feedback.chunks.size() - at < 2) {
            return false;
        }
        const std::uint32_t chunk = load_be16(&feedback.chunks[at]);
        at += 2;
        const bool wide = (chunk & 0x4000U) != 0;
        if ((chunk & 0x8000U) == 0) {
            const std::size_t run = std::min<std::size_t>(chunk & 0x1fffU, left);
            const std::uint32_t symbol = chunk >> 13U;
            if (symbol == 3 && run > 0) {
                return false;
            }
            delta_bytes += run * symbol;  // as many bytes as the symbol's number
            left -= run;
            continue;
        }
        const std::size_t symbols = std::min<std::size_t>(wide ? 7 : 14, left);
        // The symbols that count, at the lower end.
        const std::uint32_t bits = (chunk & 0x3fffU) >> (14 - symbols * (wide ? 2 : 1));
        left -= symbols;
        if (!wide) {
            delta_bytes += static_cast<std::size_t>(std::popcount(bits));
            continue;
        }
        const std::uint32_t low = bits & 0x1555U;
        const std::uint32_t high = bits >> 1U & 0x1555U;
        if ((low & high) != 0) {
            return false;
        }
        delta_bytes += static_cast<std::size_t>(std::popcount(low) + 2 * std::popcount(high));
    }
    return delta_bytes <= feedback.chunks.size() - at;
}

}  // namespace isthmus::media::rtp
