#include "tools/agent/resident_memory.h"

#include <cstddef>
#include <cstdint>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace isthmus::agent {
namespace {

// Executable segments only: nothing writes there, so each page is the file's and can be had again.
// (What is relocated is in other segments.)
int release_code(dl_phdr_info* info, std::size_t /*size*/, void* /*data*/) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0 ||
            (segment.p_flags & PF_W) != 0) {
            continue;
        }
        // Whole pages within the segment: the edges may belong to others too.
        const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        const std::uintptr_t first = (begin + page - 1) / page * page;
        const std::uintptr_t last = (begin + segment.p_filesz) / page * page;
        if (last > first) {
            // NOLINTNEXTLINE(performance-no-int-to-ptr): the linker gives numbers
            ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
        }
    }
    return 0;
}

}  // namespace

void release_unused_memory() {
    ::malloc_trim(0);
    ::dl_iterate_phdr(release_code, nullptr);
}

}  // namespace isthmus::agent
