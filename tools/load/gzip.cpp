#include "tools/load/gzip.h"

#include <zlib.h>

#include "base/check.h"

namespace isthmus::load {

std::string gzip(std::string_view plain) {
    // The largest window, with gzip's header instead of zlib's (zlib.h, deflateInit2).
    constexpr int kWindowBits = MAX_WBITS + 16;
    constexpr int kMemoryLevel = 8;
    z_stream stream{};
    CHECK(::deflateInit2(
              &stream, Z_BEST_SPEED, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
          Z_OK);
    std::string out(::deflateBound(&stream, static_cast<uLong>(plain.size())), '\0');
    // zlib does not write there.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    CHECK(::deflateEnd(&stream) == Z_OK);
    return out;
}

}  // namespace isthmus::load
