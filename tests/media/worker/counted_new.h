// Counts what operator new and OpenSSL allocate on this thread. For a program of its own: linking
// counted_new.cpp replaces operator new everywhere in it.
#pragma once

#include <cstdint>

namespace isthmus::media::testing {

// So far, on the calling thread.
[[nodiscard]] std::uint64_t allocations();

// False where OpenSSL had allocated before it could be told; then its allocations do not count.
[[nodiscard]] bool counts_openssl();

}  // namespace isthmus::media::testing
