#include "tools/load/html_report.h"

#include <algorithm>
#include <functional>

#include <spdlog/fmt/fmt.h>

#include "tools/load/line_chart.h"
#include "tools/load/text_report.h"

namespace isthmus::load {

namespace {

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>isthmus-load</title><style>
:root{color-scheme:light dark}
body{font:15px/1.5 sans-serif;max-width:1320px;margin:2rem auto;padding:0 1rem}
.tiles{display:flex;flex-wrap:wrap;gap:1rem;margin:1rem 0}
.tile{border:1px solid #8886;border-radius:6px;padding:.6rem 1rem;min-width:9rem}
.tile b{display:block;font-size:1.5rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1rem}
svg{width:100%;border:1px solid #8886;border-radius:6px}
pre{overflow:auto;border:1px solid #8886;border-radius:6px;padding:1rem}
.invalid{border-left:6px solid #d1242f;padding:.5rem 1rem;background:#d1242f22}
.note{border-left:6px solid #9a6700;padding:.5rem 1rem;background:#9a670022}
</style></head><body>
)";

using Value = std::function<double(const SecondSample&)>;

struct Curve {
    std::string name;
    Value value;
};

[[nodiscard]] std::string chart_of(const RunReport& report,
                                   const std::string& title,
                                   const std::string& unit,
                                   const std::vector<Curve>& curves) {
    LineChart chart{.title = title, .unit = unit, .lines = {}};
    for (const Curve& curve : curves) {
        ChartLine line{.name = curve.name, .points = {}};
        for (const SecondSample& second : report.seconds) {
            line.points.emplace_back(second.at_s, curve.value(second));
        }
        chart.lines.push_back(std::move(line));
    }
    const auto first =
        std::ranges::find(report.seconds, true, [](const SecondSample& s) { return s.measured; });
    if (first != report.seconds.end()) {
        chart.shaded_from = first->at_s - 1;
        chart.shaded_to = report.seconds.back().at_s;
    }
    return write_svg(chart);
}

[[nodiscard]] std::string tile(const std::string& value, const std::string& what) {
    return "<div class=\"tile\"><b>" + escape_html(value) + "</b>" + escape_html(what) + "</div>\n";
}

[[nodiscard]] std::string tiles_of(const RunReport& report) {
    const double seconds = report.measured_s > 0 ? report.measured_s : 1;
    const auto& video = report.durations.video_latency;
    const auto& latency = video.count() > 0 ? video : report.durations.audio_latency;
    std::string html = "<div class=\"tiles\">\n";
    html += tile(std::to_string(report.participants.receiving), "viewers receiving");
    html +=
        tile(short_number(static_cast<double>(report.media.packets) / seconds), "packets a second");
    html += tile(fmt::format("{:.3f} %", report.unrepaired_ratio() * 100), "lost for good");
    html +=
        tile(fmt::format("{:.2f} ms", to_ms(latency.percentile(0.99))), "latency, 99th percentile");
    html += tile(fmt::format("{:.0f} ms", to_ms(report.durations.connect.percentile(0.95))),
                 "joined, 95th percentile");
    if (report.node) {
        html += tile(short_number(report.node->packets_per_cpu_s),
                     "packets per CPU-second of the node");
    }
    if (report.viewers_within_limits) {
        html += tile(std::to_string(*report.viewers_within_limits), "viewers within all limits");
    }
    return html + "</div>\n";
}

[[nodiscard]] std::string charts_of(const RunReport& report) {
    std::string html = "<div class=\"charts\">\n";
    html += chart_of(
        report,
        "Participants",
        "count",
        {{"connected",
          [](const SecondSample& s) { return static_cast<double>(s.participants.connected); }},
         {"receiving",
          [](const SecondSample& s) { return static_cast<double>(s.participants.receiving); }}});
    html += chart_of(report,
                     "Packets received",
                     "a second",
                     {{"packets", [](const SecondSample& s) { return s.packets_per_s; }}});
    html += chart_of(report,
                     "Latency",
                     "ms",
                     {{"video p50", [](const SecondSample& s) { return s.video_p50_ms; }},
                      {"video p99", [](const SecondSample& s) { return s.video_p99_ms; }},
                      {"audio p99", [](const SecondSample& s) { return s.audio_p99_ms; }}});
    html += chart_of(report, "Lost for good", "percent", {{"loss", [](const SecondSample& s) {
                                                               return s.loss_ratio * 100;
                                                           }}});
    html += chart_of(report,
                     "CPU",
                     "percent of a core",
                     {{"isthmus-load", [](const SecondSample& s) { return s.load_cpu * 100; }},
                      {"node", [](const SecondSample& s) { return s.node_cpu * 100; }}});
    if (report.node) {
        html += chart_of(report, "Memory of the node", "MiB", {{"RSS", [](const SecondSample& s) {
                                                                    return s.node_rss_mib;
                                                                }}});
    }
    return html + "</div>\n";
}

}  // namespace

std::string write_html_report(const RunReport& report) {
    std::string html = kHead;
    html += "<h1>isthmus-load</h1>\n<p>" + escape_html(describe_load(report.options)) + "</p>\n";
    for (const std::string& reason : report.invalid) {
        html +=
            "<p class=\"invalid\">These figures do not count: " + escape_html(reason) + "</p>\n";
    }
    for (const std::string& remark : report.remarks) {
        html += "<p class=\"note\">" + escape_html(remark) + "</p>\n";
    }
    html += tiles_of(report) + charts_of(report);
    html += "<p>Shaded: the measurement.</p>\n<pre>" + escape_html(write_text_report(report)) +
            "</pre>\n</body></html>\n";
    return html;
}

}  // namespace isthmus::load
