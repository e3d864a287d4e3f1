#include "control-agent/schema/schema.h"

#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace isthmus::schema {
namespace {

namespace json = boost::json;

TEST(Schema, FindsWhatDoesNotFit) {
    const auto schema = Schema::make(json::parse(R"({
        "type": "object", "additionalProperties": false, "required": ["host"],
        "properties": {"host": {"type": "string", "minLength": 1},
                       "port": {"type": "integer", "minimum": 1, "maximum": 65535},
                       "bases": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
                       "mode": {"enum": ["fast", "slow"]}}})"));
    ASSERT_TRUE(schema) << schema.error().message;
    EXPECT_TRUE(schema->check(
        json::parse(R"({"host": "h", "port": 389, "bases": ["dc=x"], "mode": "fast"})")));
    for (const char* const bad : {R"({})",
                                  R"([])",
                                  R"("h")",
                                  R"({"host": ""})",
                                  R"({"host": 7})",
                                  R"({"host": "h", "port": 0})",
                                  R"({"host": "h", "port": "389"})",
                                  R"({"host": "h", "bases": ["a", "b", "c"]})",
                                  R"({"host": "h", "bases": [1]})",
                                  R"({"host": "h", "mode": "medium"})",
                                  R"({"host": "h", "prot": 389})"}) {
        const auto checked = schema->check(json::parse(bad));
        ASSERT_FALSE(checked) << bad;
        EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
        EXPECT_FALSE(checked.error().message.empty());
    }
}

TEST(Schema, NamesThePlaceAsAnAdministratorWritesIt) {
    const auto schema = Schema::make(json::parse(R"({
        "type": "object",
        "properties": {"media": {"type": "object", "properties": {"workers": {"type": "integer"},
                       "bind": {"type": "array", "items": {"type": "string"}}}}}})"));
    ASSERT_TRUE(schema) << schema.error().message;
    const std::string one =
        schema->check(json::parse(R"({"media": {"workers": "many"}})")).error().message;
    EXPECT_TRUE(one.starts_with("media.workers: ")) << one;
    EXPECT_FALSE(one.contains(';')) << one;
    const std::string in_a_list =
        schema->check(json::parse(R"({"media": {"bind": ["a", 7]}})")).error().message;
    EXPECT_TRUE(in_a_list.starts_with("media.bind.1: ")) << in_a_list;
    const std::string whole = schema->check(json::parse("[]")).error().message;
    EXPECT_TRUE(whole.starts_with("the configuration: ")) << whole;
}

TEST(Schema, RefusesWhatWouldNotEnd) {
    for (const char* const bad : {R"({"$ref": "#"})",
                                  R"({"properties": {"a": {"pattern": "(a+)+$"}}})",
                                  R"({"patternProperties": {"a": {}}})",
                                  R"({"type": "nothing-like-it"})",
                                  R"({"type": 7})",
                                  R"({"properties": []})",
                                  R"([])",
                                  R"(true)"}) {
        EXPECT_FALSE(Schema::make(json::parse(bad))) << bad;
    }
    std::string deep = "{}";
    for (int i = 0; i < 20; ++i) {
        deep.insert(0, R"({"items": )").push_back('}');
    }
    EXPECT_FALSE(Schema::make(json::parse(deep)));
}

}  // namespace
}  // namespace isthmus::schema
