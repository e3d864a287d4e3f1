#include "base/log.h"

#include <gtest/gtest.h>

namespace isthmus::log {
namespace {

std::string logged(Format format, std::string_view message) {
    configure({.level = Level::kInfo, .format = format});
    testing::internal::CaptureStderr();
    write(Level::kWarning, "test", message);
    std::string line = testing::internal::GetCapturedStderr();
    configure({});
    return line;
}

TEST(Log, ClientTextCannotForgeALine) {
    const std::string line = logged(Format::kText, "name a\nb\x1b[31m");
    EXPECT_NE(line.find("[test] name a\\nb\\u001b[31m"), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(Log, JsonLinesAreQuoted) {
    const std::string line = logged(Format::kJson, "say \"hi\"");
    EXPECT_EQ(line.front(), '{');
    EXPECT_NE(line.find(R"("level":"warning","component":"test","message":"say \"hi\""})"),
              std::string::npos)
        << line;
}

TEST(Log, LevelsBelowTheConfiguredOneAreOff) {
    configure({.level = Level::kError});
    EXPECT_FALSE(enabled(Level::kWarning));
    EXPECT_TRUE(enabled(Level::kError));
    configure({});
}

}  // namespace
}  // namespace isthmus::log
