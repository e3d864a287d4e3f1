// The node's configuration, as an operator or a broken tool may have written it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "tools/node/node_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto config = isthmus::node::parse_node_config(text, "fuzz");
    if (config) {
        for (const auto& [name, secret] : config->keys) {
            CHECK(secret.size() >= isthmus::node::kSecretCharactersMin);
        }
        CHECK(!config->media.srtp_profiles.empty());
    } else {
        CHECK(config.error().message.starts_with("fuzz"));
    }
    return 0;
}
