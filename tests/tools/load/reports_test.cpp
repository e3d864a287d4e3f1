#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "tools/load/html_report.h"
#include "tools/load/json_report.h"
#include "tools/load/line_chart.h"
#include "tools/load/text_report.h"

namespace isthmus::load {
namespace {

RunReport example() {
    RunReport report;
    report.options.viewers = 400;
    report.measured_s = 10;
    report.participants = {.started = 401, .connected = 401, .receiving = 400};
    report.media.packets = 960'000;
    report.media.media_packets = 960'000;
    report.media.lost = 1000;
    report.media.repaired = 900;
    for (int i = 1; i <= 100; ++i) {
        report.durations.video_latency.add(std::chrono::milliseconds(i));
    }
    for (int i = 0; i < 3; ++i) {
        report.seconds.push_back({.at_s = i + 1.0, .measured = i > 0, .packets_per_s = 96'000});
    }
    report.node = NodeFigures{.threads = {{.id = 7, .name = "media-0", .cpu_ns = 1'500'000'000}},
                              .cpu_s = 1.5,
                              .packets_per_cpu_s = 640'000,
                              .rss_before_bytes = 20 << 20U,
                              .rss_after_bytes = 60 << 20U,
                              .join_cpu_s = 0.8,
                              .joined = 400};
    return report;
}

TEST(TextReport, SaysWhatMatters) {
    const std::string text = write_text_report(example());
    EXPECT_TRUE(text.contains("640000 packets per CPU-second")) << text;
    EXPECT_TRUE(text.contains("96000 a second"));
    EXPECT_TRUE(text.contains("500 joins per CPU-second"));
    EXPECT_TRUE(text.contains("102.4 KiB for each viewer"));
    EXPECT_FALSE(text.contains("INVALID"));
}

TEST(TextReport, SaysThatARunDoesNotCount) {
    RunReport report = example();
    report.invalid = {"the core was the limit"};
    EXPECT_TRUE(write_text_report(report).contains("INVALID: the core was the limit"));
    EXPECT_FALSE(boost::json::parse(write_json_report(report)).at("valid").as_bool());
}

TEST(TextReport, SaysThatNotEvenTheFirstViewersWereWithinTheLimits) {
    RunReport report = example();
    report.viewers_within_limits = 0;
    report.limit_broken = "a participant failed";
    EXPECT_TRUE(write_text_report(report).contains(
        "0 viewers within all limits; then a participant failed"));
    const auto json = boost::json::parse(write_json_report(report));
    EXPECT_EQ(json.at("limit").at("viewers").to_number<int>(), 0);
}

TEST(TextReport, SaysWhatTheKernelCostAndTheKeyFrameTook) {
    RunReport report = example();
    report.load_ns_per_packet = 1000;
    report.load_kernel_ns_per_packet = 600;
    report.durations.key_frame_wait.add(std::chrono::milliseconds(7));
    report.durations.jitter.add(std::chrono::milliseconds(3));
    report.trickled = 4;
    const std::string text = write_text_report(report);
    EXPECT_TRUE(text.contains("1000 ns of CPU per packet")) << text;
    EXPECT_TRUE(text.contains("some 600 of them the kernel's"));
    EXPECT_TRUE(text.contains("wait for a key frame"));
    EXPECT_TRUE(text.contains("jitter of streams"));
    EXPECT_TRUE(text.contains("candidates trickled 4, refused 0"));
}

TEST(JsonReport, IsWhatProgramsRead) {
    const auto json = boost::json::parse(write_json_report(example()));
    EXPECT_TRUE(json.at("valid").as_bool());
    EXPECT_EQ(json.at("node").at("packets_per_cpu_s").as_double(), 640'000);
    EXPECT_EQ(json.at("media").at("packets").to_number<int>(), 960'000);
    EXPECT_NEAR(json.at("media").at("unrepaired_ratio").as_double(), 100.0 / 960'100, 1e-9);
    EXPECT_NEAR(json.at("latency_ms").at("video").at("p99").as_double(), 99, 3);
    EXPECT_EQ(json.at("seconds").as_array().size(), 3U);
}

TEST(HtmlReport, IsOnePageThatNeedsNothing) {
    RunReport report = example();
    report.remarks = {"<script>alert(1)</script> & \"more\""};
    const std::string html = write_html_report(report);
    EXPECT_FALSE(html.contains("<script"));
    EXPECT_TRUE(html.contains("&lt;script&gt;"));
    for (const char* outside : {"http://", "https://", "src=", "@import", "url("}) {
        EXPECT_FALSE(html.contains(outside)) << outside;
    }
    EXPECT_TRUE(html.contains("<svg"));
    EXPECT_TRUE(html.contains("viewers receiving"));
}

TEST(LineChart, DrawsEveryPointWithinItsFrame) {
    LineChart chart{.title = "A & B", .unit = "ms", .lines = {{.name = "p99", .points = {}}}};
    for (int i = 0; i <= 10; ++i) {
        chart.lines[0].points.emplace_back(i, i * 12.5);
    }
    const std::string svg = write_svg(chart);
    EXPECT_TRUE(svg.contains("A &amp; B"));
    // The highest value is at the grid's top of 200, not above it.
    EXPECT_TRUE(svg.contains(">200<"));
    EXPECT_FALSE(svg.contains("nan"));
    EXPECT_FALSE(write_svg({.title = "empty", .unit = "", .lines = {}}).contains("nan"));
}

TEST(LineChart, ShortensNumbers) {
    EXPECT_EQ(short_number(0), "0");
    EXPECT_EQ(short_number(12.5), "12.5");
    EXPECT_EQ(short_number(96'000), "96k");
    EXPECT_EQ(short_number(1'234'567), "1.23M");
    EXPECT_EQ(short_number(2.5e9), "2.5G");
}

}  // namespace
}  // namespace isthmus::load
