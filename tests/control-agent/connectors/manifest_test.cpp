#include "control-agent/connectors/manifest.h"

#include <fstream>
#include <functional>
#include <iterator>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace isthmus::connectors {
namespace {

namespace json = boost::json;

json::object good() {
    return json::parse(R"({"name": "directory", "version": "1.2.3~rc1", "contract": 1,
        "program": "bin/connector", "arguments": ["--fast"],
        "configuration": {"type": "object"},
        "permissions": {"hub": ["directory.upsert", "calendar.*"], "events": ["directory.*"]},
        "memory_bytes": 16777216, "of_a_later_release": true})")
        .as_object();
}

TEST(Manifest, SaysWhatAConnectorIs) {
    const auto manifest = parse_manifest(json::serialize(good()));
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(manifest->name, "directory");
    EXPECT_EQ(manifest->version, "1.2.3~rc1");
    EXPECT_EQ(manifest->program, "bin/connector");
    EXPECT_EQ(manifest->arguments, std::vector<std::string>{"--fast"});
    EXPECT_EQ(manifest->memory_bytes, 16777216U);
}

TEST(Manifest, PermitsWhatItNamesAndNoMore) {
    const auto manifest = parse_manifest(json::serialize(good())).value();
    EXPECT_TRUE(manifest.may_call("directory.upsert"));
    EXPECT_TRUE(manifest.may_call("calendar.book"));
    EXPECT_TRUE(manifest.may_emit("directory.synced"));
    for (const char* const method :
         {"", "directory", "directory.upsert2", "directory.remove", "calendar", "calendar.", "*"}) {
        EXPECT_FALSE(manifest.may_call(method)) << method;
    }
    EXPECT_FALSE(manifest.may_emit("calendar.booked"));
    EXPECT_FALSE(parse_manifest(R"({"name":"a","version":"1","contract":1,"program":"p",
                                    "configuration":{}})")
                     ->may_call("directory.upsert"));
}

TEST(Manifest, IsRefusedWhereItDoesNotFit) {
    const auto refused = [](const std::function<void(json::object&)>& change) {
        json::object manifest = good();
        change(manifest);
        return !parse_manifest(json::serialize(manifest));
    };
    for (const char* const member : {"name", "version", "contract", "program", "configuration"}) {
        EXPECT_TRUE(refused([&](json::object& m) { m.erase(member); })) << member;
        EXPECT_TRUE(refused([&](json::object& m) { m[member] = json::array(); })) << member;
    }
    for (const char* const name : {"", "Directory", "../x", "a b", "1a", "-a"}) {
        EXPECT_TRUE(refused([&](json::object& m) { m["name"] = name; })) << name;
    }
    for (const char* const program :
         {"", "/bin/sh", "../../bin/sh", "bin/../../sh", "./x", "a/.."}) {
        EXPECT_TRUE(refused([&](json::object& m) { m["program"] = program; })) << program;
    }
    EXPECT_TRUE(refused([](json::object& m) { m["contract"] = 2; }));
    EXPECT_TRUE(refused([](json::object& m) { m["memory_bytes"] = 1; }));
    EXPECT_TRUE(refused([](json::object& m) { m["memory_bytes"] = "much"; }));
    EXPECT_TRUE(refused([](json::object& m) { m["arguments"] = "--fast"; }));
    EXPECT_TRUE(refused([](json::object& m) { m["permissions"] = json::array(); }));
    EXPECT_TRUE(refused([](json::object& m) { m["permissions"] = {{"files", {"*"}}}; }));
    for (const char* const permission : {"", "*", ".*", "a b", "a.*.b"}) {
        const bool none = refused([&](json::object& m) {
            m["permissions"] = json::object{{"hub", json::array{permission}}};
        });
        EXPECT_TRUE(none) << permission;
    }
    EXPECT_FALSE(parse_manifest(""));
    EXPECT_FALSE(parse_manifest("[]"));
    EXPECT_FALSE(parse_manifest(std::string(100, '[')));
    EXPECT_FALSE(parse_manifest(json::serialize(good()) + std::string(kManifestBytesMax, ' ')));
}

TEST(Manifest, OfTheExampleIsGood) {
    std::ifstream file("tools/connectors/example/manifest.json");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto manifest = parse_manifest(text);
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(manifest->name, "example");
    EXPECT_EQ(load_manifest("tools/connectors").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace isthmus::connectors
