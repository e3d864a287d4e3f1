// Specifications and the records of processes.
#include "control-agent/supervisor/program.h"

#include <gtest/gtest.h>

#include "control-agent/supervisor/program_record.h"

namespace isthmus::supervisor {
namespace {

ProgramSpec node() {
    ProgramSpec spec;
    spec.name = "node";
    spec.command = "/usr/bin/isthmus-node";
    spec.arguments = {"--config", "/etc/isthmus/node.yaml"};
    return spec;
}

TEST(ProgramSpec, IsCheckedBeforeItIsRun) {
    EXPECT_TRUE(check_spec(node()));
    const auto refused = [](auto change) {
        ProgramSpec spec = node();
        change(spec);
        return !check_spec(spec);
    };
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.name = ""; }));
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.name = "../node"; }));
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.name = "-n"; }));
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.name = std::string(49, 'n'); }));
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.command = "isthmus-node"; }));
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.arguments = {std::string("a\0b", 3)}; }));
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.environment = {{"A=B", "c"}}; }));
    EXPECT_TRUE(refused([](ProgramSpec& spec) { spec.arguments.resize(1000); }));
}

TEST(ProgramSpec, HasAnotherDigestWhereAProcessWouldHaveToStartAgain) {
    const std::string before = digest_of(node());
    EXPECT_EQ(before.size(), 64U);
    EXPECT_EQ(before, digest_of(node()));
    const auto differs = [&](auto change) {
        ProgramSpec spec = node();
        change(spec);
        return digest_of(spec) != before;
    };
    EXPECT_TRUE(differs([](ProgramSpec& spec) { spec.command += "2"; }));
    EXPECT_TRUE(differs([](ProgramSpec& spec) { spec.arguments.pop_back(); }));
    EXPECT_TRUE(differs([](ProgramSpec& spec) { spec.arguments = {"--config/etc", "x"}; }));
    EXPECT_TRUE(differs([](ProgramSpec& spec) { spec.environment["A"] = "b"; }));
    EXPECT_TRUE(differs([](ProgramSpec& spec) { spec.limits.open_files = 7; }));
    EXPECT_TRUE(differs([](ProgramSpec& spec) { spec.user = "isthmus"; }));
    EXPECT_FALSE(differs([](ProgramSpec& spec) { spec.stop_grace = std::chrono::seconds(1); }));
    EXPECT_FALSE(differs([](ProgramSpec& spec) { spec.restart.loop_ends = 1; }));
}

TEST(ProcessEnd, IsASentence) {
    EXPECT_EQ((ProcessEnd{.how = ProcessEnd::How::kExit, .code = 3}).to_string(), "exit status 3");
    EXPECT_EQ((ProcessEnd{.how = ProcessEnd::How::kSignal, .code = 9}).to_string(),
              "signal 9 (Killed)");
    EXPECT_FALSE(ProcessEnd{}.success());
}

TEST(ProgramRecord, IsReadAsItWasWritten) {
    const ProgramRecord record{
        .process = {.pid = 1234, .start_ticks = 987'654'321'012, .boot_id = "b-o-o-t"},
        .digest = "abc"};
    EXPECT_EQ(parse_record(write_record(record)), record);
}

TEST(ProgramRecord, IsNoneWhereTheFileIsBroken) {
    const std::string good =
        write_record({.process = {.pid = 1234, .start_ticks = 5, .boot_id = "b"}, .digest = "abc"});
    for (std::size_t size = 0; size + 2 < good.size(); ++size) {
        EXPECT_FALSE(parse_record(good.substr(0, size))) << size;
    }
    for (const char* const text :
         {"[]",
          "null",
          R"({"version":2,"pid":1234,"start_ticks":5,"boot_id":"b","digest":"abc"})",
          R"({"version":1,"pid":1,"start_ticks":5,"boot_id":"b","digest":"abc"})",
          R"({"version":1,"pid":-5,"start_ticks":5,"boot_id":"b","digest":"abc"})",
          R"({"version":1,"pid":99999999999,"start_ticks":5,"boot_id":"b","digest":"abc"})",
          R"({"version":1,"pid":"1234","start_ticks":5,"boot_id":"b","digest":"abc"})",
          R"({"version":1,"pid":1234,"start_ticks":5,"boot_id":7,"digest":"abc"})"}) {
        EXPECT_FALSE(parse_record(text)) << text;
    }
    EXPECT_FALSE(parse_record(std::string(100'000, ' ') + good));
}

}  // namespace
}  // namespace isthmus::supervisor
