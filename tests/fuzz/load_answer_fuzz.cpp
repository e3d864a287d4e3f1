// What isthmus-load reads from a node: HTTP answers in pieces, the SDP in them, and /proc's texts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "tools/load/answer.h"
#include "tools/load/http_message.h"
#include "tools/load/node_probe.h"

namespace {

// The first byte says how large the pieces are that the network brings.
void read_http(std::string_view bytes, std::size_t piece) {
    isthmus::load::HttpResponseReader reader;
    while (!bytes.empty()) {
        const std::string_view part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        const auto whole = reader.push(part);
        if (!whole) {
            return;
        }
        if (*whole) {
            const auto response = reader.take();
            std::ignore = isthmus::load::read_answer(response.body);
            for (const auto& [name, value] : response.headers) {
                static_cast<void>(isthmus::load::path_of_location(value));
            }
            if (!reader.keep_alive()) {
                return;
            }
        }
    }
    if (const auto whole = reader.end(); whole && *whole) {
        std::ignore = isthmus::load::read_answer(reader.take().body);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    read_http(text, std::max<std::size_t>(data[0], 1));
    std::ignore = isthmus::load::read_answer(text);
    static_cast<void>(isthmus::load::parse_schedstat(text));
    static_cast<void>(isthmus::load::parse_resident_pages(text));
    return 0;
}
