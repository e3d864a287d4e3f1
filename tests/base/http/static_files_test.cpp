#include "base/http/static_files.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace isthmus::http {
namespace {

namespace fs = std::filesystem;

class StaticFilesTest : public testing::Test {
  protected:
    StaticFilesTest() {
        write("index.html", "<p>page</p>");
        write("page.js", "let a = 1;");
        write(".secret", "hidden");
        fs::create_directory(directory_ / "img");
        write("img/dot.svg", "<svg/>");
        fs::create_symlink("/etc/passwd", directory_ / "link.txt");
        fs::create_directory_symlink("/etc", directory_ / "etc");
    }

    void write(const std::string& name, const std::string& text) {
        std::ofstream(directory_ / name) << text;
    }

    Response get(const std::string& path, const std::string& etag = {}) {
        Request request;
        request.method = "GET";
        request.path = path;
        if (!etag.empty()) {
            request.headers.emplace("If-None-Match", etag);
        }
        return StaticFiles::load(directory_, "/assets/").value().answer(request);
    }

    isthmus::TemporaryFolder folder_;
    const fs::path& directory_ = folder_.path();
};

std::string header(const Response& response, std::string_view name) {
    const auto found = response.headers.find(name);
    return found == response.headers.end() ? std::string() : found->second;
}

TEST_F(StaticFilesTest, ServesFilesWithTheirTypes) {
    const Response page = get("/assets/page.js");
    EXPECT_EQ(page.status, 200U);
    EXPECT_EQ(page.body, "let a = 1;");
    EXPECT_EQ(header(page, "Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_TRUE(header(page, "Content-Security-Policy").contains("default-src 'self'"));
    EXPECT_EQ(header(get("/assets/img/dot.svg"), "Content-Type"), "image/svg+xml");
}

TEST_F(StaticFilesTest, ServesTheIndexForItsDirectory) {
    for (const char* path : {"/", "/assets", "/assets/", "/assets/index.html"}) {
        EXPECT_EQ(get(path).body, "<p>page</p>") << path;
    }
    EXPECT_EQ(get("/assets/img/").status, 404U);
}

TEST_F(StaticFilesTest, AnswersNotModified) {
    const std::string etag = header(get("/"), "ETag");
    EXPECT_EQ(etag.size(), 34U);
    EXPECT_EQ(get("/", etag).status, 304U);
    EXPECT_EQ(get("/", etag).body, "");
    EXPECT_EQ(get("/", "\"other\", " + etag).status, 304U);
    EXPECT_EQ(get("/", "\"other\"").status, 200U);
    EXPECT_NE(etag, header(get("/assets/page.js"), "ETag"));
}

TEST_F(StaticFilesTest, ServesNothingElse) {
    for (const char* path : {"/assets/../assets/page.js",
                             "/assets/./page.js",
                             "//assets/page.js",
                             "/assets/link.txt",
                             "/assets/etc/passwd",
                             "/assets/.secret",
                             "/assets/../../../../etc/passwd",
                             "/etc/passwd",
                             "/page.js",
                             ""}) {
        EXPECT_EQ(get(path).status, 404U) << path;
    }
}

TEST_F(StaticFilesTest, RefusesAFolderThatHoldsTooMuch) {
    write("big.bin", std::string(kStaticBytesMax, 'x'));
    EXPECT_EQ(StaticFiles::load(directory_, "/assets/").error().code, ErrorCode::kLimitExceeded);
    EXPECT_EQ(StaticFiles::load("/nonexistent", "/assets/").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace isthmus::http
