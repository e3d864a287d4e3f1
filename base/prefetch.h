// Asks the processor for memory that will be needed soon.
//
// For loops over many objects that have gone cold since the last batch: what one of them waits for
// memory is most of what it costs.
#pragma once

#include <cstddef>

namespace isthmus {

// The first `bytes` of an object, by cache lines. Never faults.
inline void prefetch(const void* object, std::size_t bytes) {
    constexpr std::size_t kLine = 64;
    const auto* at = static_cast<const char*>(object);
    for (std::size_t offset = 0; offset < bytes; offset += kLine) {
        __builtin_prefetch(at + offset);
    }
}

}  // namespace isthmus
