// A line chart as one inline SVG: no script, no style sheet, nothing from the network.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace isthmus::load {

struct ChartLine {
    std::string name;
    std::vector<std::pair<double, double>> points;  // x ascending
};

struct LineChart {
    std::string title;
    std::string unit;  // of y; x is seconds
    std::vector<ChartLine> lines;
    // The part of x that is shaded; nothing where both are equal.
    double shaded_from = 0;
    double shaded_to = 0;
};

[[nodiscard]] std::string write_svg(const LineChart& chart);

// 1234567 as "1.2M": three characters of figures at most.
[[nodiscard]] std::string short_number(double value);

// & < > " ' escaped; for text in HTML and SVG.
[[nodiscard]] std::string escape_html(const std::string& text);

}  // namespace isthmus::load
