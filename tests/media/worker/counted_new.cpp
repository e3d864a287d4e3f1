#include "tests/media/worker/counted_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

#include <openssl/crypto.h>

// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory): this is operator new.
namespace isthmus::media::testing {
namespace {

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): operator new has no object.
thread_local std::uint64_t count = 0;

// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void* allocate(std::size_t bytes, std::size_t alignment) {
    ++count;
    // aligned_alloc() wants a multiple of the alignment.
    const std::size_t size = (bytes + alignment - 1) / alignment * alignment;
    void* const memory = alignment <= alignof(std::max_align_t)
                             ? std::malloc(bytes == 0 ? 1 : bytes)
                             : std::aligned_alloc(alignment, size == 0 ? alignment : size);
    if (memory == nullptr) {
        std::abort();
    }
    return memory;
}

void* openssl_malloc(std::size_t bytes, const char* /*file*/, int /*line*/) {
    ++count;
    return std::malloc(bytes);
}

void* openssl_realloc(void* memory, std::size_t bytes, const char* /*file*/, int /*line*/) {
    ++count;
    return std::realloc(memory, bytes);
}

void openssl_free(void* memory, const char* /*file*/, int /*line*/) {
    std::free(memory);
}

// Before main(), and so before anything asks OpenSSL for anything.
const bool kOpensslCounted =
    CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

std::uint64_t allocations() {
    return count;
}

bool counts_openssl() {
    return kOpensslCounted;
}

}  // namespace isthmus::media::testing

using isthmus::media::testing::allocate;

void* operator new(std::size_t bytes) {
    return allocate(bytes, 1);
}

void* operator new[](std::size_t bytes) {
    return allocate(bytes, 1);
}

void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
    return allocate(bytes, 1);
}

void* operator new[](std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
    return allocate(bytes, 1);
}

void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate(bytes, static_cast<std::size_t>(alignment));
}

void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return allocate(bytes, static_cast<std::size_t>(alignment));
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete[](void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::size_t /*bytes*/) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}

void operator delete[](void* memory,
                       std::size_t /*bytes*/,
                       std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}

// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
