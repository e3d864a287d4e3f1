// A connector's manifest, and its schema against a value: the manifest's own schema serves as one.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "base/check.h"
#include "control-agent/connectors/manifest.h"
#include "control-agent/schema/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto manifest = isthmus::connectors::parse_manifest(
        std::string_view(reinterpret_cast<const char*>(data), size));
    if (!manifest) {
        CHECK(!manifest.error().message.empty());
        return 0;
    }
    CHECK(!manifest->name.empty() && manifest->name.size() <= 32);
    CHECK(manifest->program.front() != '/' && !manifest->program.starts_with("../"));
    const auto schema = isthmus::schema::Schema::make(manifest->configuration_schema);
    CHECK(schema.has_value());
    std::ignore = schema->check(manifest->configuration_schema);
    std::ignore = manifest->may_call("directory.upsert");
    return 0;
}
