#include "base/config_reader.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace isthmus {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(ParseConfig, BuildsATreeWithLines) {
    const auto root = parse_config("a: 1\nb:\n  - x\n  - {c: d}\n\"e\": \"\"\n", "f");
    ASSERT_TRUE(root);
    ASSERT_EQ(root->children.size(), 3U);
    EXPECT_EQ(root->children[0].scalar, "1");
    EXPECT_EQ(root->children[1].kind, ConfigNode::Kind::kList);
    EXPECT_EQ(root->children[1].children[1].children[0].key, "c");
    EXPECT_EQ(root->children[1].children[1].line, 4U);
    EXPECT_EQ(root->children[2].kind, ConfigNode::Kind::kScalar);
}

TEST(ParseConfig, TakesAnEmptyDocumentForAnEmptyMap) {
    for (const char* text : {"", "# nothing\n", "---\n", "~"}) {
        const auto root = parse_config(text, "f");
        ASSERT_TRUE(root) << text;
        EXPECT_TRUE(root->children.empty());
    }
}

TEST(ParseConfig, SaysWhereTheTextIsNoYaml) {
    const auto broken = parse_config("a: 1\nb: [1, 2\nc: 3\n", "node.yaml");
    ASSERT_FALSE(broken);
    EXPECT_TRUE(broken.error().message.starts_with("node.yaml:")) << broken.error().message;
}

TEST(ParseConfig, RefusesWhatHidesOrMultiplies) {
    std::string deep;
    for (int i = 0; i < 1000; ++i) {
        deep += "[";
    }
    for (const std::string& text : {std::string("a: &x [1]\nb: *x\n"),
                                    std::string("a: !!binary aGk=\n"),
                                    std::string("a: 1\na: 2\n"),
                                    std::string("? [a]\n: b\n"),
                                    deep,
                                    std::string(100'000, '[')}) {
        EXPECT_FALSE(parse_config(text, "f")) << text.substr(0, 20);
    }
    std::string many;
    for (int i = 0; i < 30'000; ++i) {
        many += "- x\n";
    }
    EXPECT_FALSE(parse_config(many, "f"));
}

struct Read {
    explicit Read(const std::string& text)
        : root(parse_config(text, "f").value()), problems("f"), reader(root, problems) {}

    ConfigNode root;
    ConfigProblems problems;
    ConfigReader reader;
};

TEST(ConfigReader, LeavesFieldsOfAbsentKeysAlone) {
    Read read("a: 7\n");
    int a = 1;
    int b = 2;
    std::string c = "c";
    read.reader.read("a", a, 0, 10);
    read.reader.read("b", b, 0, 10);
    read.reader.read("c", c);
    read.reader.finish();
    EXPECT_EQ(a, 7);
    EXPECT_EQ(b, 2);
    EXPECT_EQ(c, "c");
    EXPECT_TRUE(read.problems.empty());
}

TEST(ConfigReader, NamesLinePathAndRange) {
    Read read("media:\n  workers: 99\n  ice: maybe\n");
    auto media = read.reader.section("media");
    ASSERT_TRUE(media);
    int workers = 1;
    bool ice = false;
    media->read("workers", workers, 0, 16);
    media->read("ice", ice);
    EXPECT_EQ(workers, 1);
    EXPECT_EQ(read.problems.text(),
              "f:2: media.workers: \"99\" is no whole number from 0 to 16\n"
              "f:3: media.ice: \"maybe\" is not one of true, false");
}

TEST(ConfigReader, SuggestsTheNearestKey) {
    Read read("wrokers: 1\nxyzzy: 2\n");
    int workers = 1;
    read.reader.read("workers", workers, 0, 16);
    read.reader.finish();
    EXPECT_EQ(read.problems.text(),
              "f:1: wrokers: there is no such key; did you mean \"workers\"?\n"
              "f:2: xyzzy: there is no such key; known here: workers");
}

TEST(ConfigReader, RefusesTheWrongShape) {
    Read read("a: [1]\nb: 1\nc: {d: e}\nf: ~\n");
    int a = 0;
    std::vector<std::string> b;
    read.reader.read("a", a, 0, 9);
    read.reader.read("b", b);
    read.reader.read("c", b);
    read.reader.read("f", a, 0, 9);
    EXPECT_TRUE(read.reader.sections("b").empty());
    const auto section = read.reader.section("b");
    EXPECT_EQ(std::ranges::count(read.problems.text(), '\n'), 5);
}

TEST(ConfigReader, RefusesNumbersThatAreNone) {
    for (const char* text : {"a: -1", "a: 1.5", "a: 1x", "a: ''", "a: 99999999999999999999"}) {
        Read read(text);
        int a = 3;
        read.reader.read("a", a, 0, 100);
        EXPECT_EQ(a, 3) << text;
        EXPECT_FALSE(read.problems.empty()) << text;
    }
}

TEST(ParseDuration, KnowsItsUnits) {
    EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
    EXPECT_EQ(parse_duration("90s"), milliseconds(90'000));
    EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
    EXPECT_EQ(parse_duration("1h"), hours(1));
    EXPECT_EQ(parse_duration("7d"), hours(168));
    EXPECT_EQ(parse_duration("0s"), Duration::zero());
}

TEST(ParseDuration, RefusesTheRest) {
    for (const char* text : {"", "5", "s", "-1s", "1.5h", "1 h", "1y", "1hh", "99999999999999d"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

}  // namespace
}  // namespace isthmus
