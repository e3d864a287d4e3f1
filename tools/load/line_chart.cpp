#include "tools/load/line_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include <spdlog/fmt/fmt.h>

namespace isthmus::load {

namespace {

constexpr double kWidth = 640;
constexpr double kHeight = 220;
constexpr double kLeft = 56;
constexpr double kRight = 12;
constexpr double kTop = 28;
constexpr double kBottom = 26;
constexpr int kSteps = 4;  // of the grid
constexpr std::array<const char*, 4> kColours = {"#1f6feb", "#d1242f", "#1a7f37", "#9a6700"};

// The least of 1, 2, 2.5, 5 times a power of ten that is not below `value`.
[[nodiscard]] double round_up(double value) {
    if (value <= 0) {
        return 1;
    }
    const double power = std::pow(10, std::floor(std::log10(value)));
    for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
        if (value <= factor * power) {
            return factor * power;
        }
    }
    return 10 * power;
}

class Frame {
  public:
    explicit Frame(const LineChart& chart) {
        double highest = 0;
        for (const ChartLine& line : chart.lines) {
            for (const auto& [x, y] : line.points) {
                x_max_ = std::max(x_max_, x);
                highest = std::max(highest, y);
            }
        }
        y_max_ = round_up(highest);
    }

    [[nodiscard]] double x(double value) const {
        return kLeft + std::clamp(value / x_max_, 0.0, 1.0) * (kWidth - kLeft - kRight);
    }

    [[nodiscard]] double y(double value) const {
        return kHeight - kBottom -
               std::clamp(value / y_max_, 0.0, 1.0) * (kHeight - kTop - kBottom);
    }

    [[nodiscard]] double x_max() const { return x_max_; }

    [[nodiscard]] double y_max() const { return y_max_; }

  private:
    double x_max_ = 1;
    double y_max_ = 1;
};

using Out = std::back_insert_iterator<std::string>;

void write_grid(Out out, const Frame& frame) {
    for (int i = 0; i <= kSteps; ++i) {
        const double part = static_cast<double>(i) / kSteps;
        const double y = frame.y(part * frame.y_max());
        fmt::format_to(out,
                       "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" "
                       "stroke=\"#8884\"/><text x=\"{3:.1f}\" y=\"{4:.1f}\" "
                       "text-anchor=\"end\">{5}</text>",
                       kLeft,
                       kWidth - kRight,
                       y,
                       kLeft - 6,
                       y + 4,
                       short_number(part * frame.y_max()));
        fmt::format_to(out,
                       "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}{}</text>",
                       frame.x(part * frame.x_max()),
                       kHeight - 8,
                       short_number(std::round(part * frame.x_max() * 10) / 10),
                       i == kSteps ? " s" : "");
    }
}

void write_lines(Out out, const LineChart& chart, const Frame& frame) {
    double legend_x = kWidth - kRight;
    for (std::size_t i = chart.lines.size(); i-- > 0;) {
        const ChartLine& line = chart.lines[i];
        const char* const colour = kColours[i % kColours.size()];
        fmt::format_to(
            out, "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"", colour);
        for (const auto& [x, y] : line.points) {
            fmt::format_to(out, "{:.1f},{:.1f} ", frame.x(x), frame.y(y));
        }
        fmt::format_to(out,
                       "\"/><text x=\"{:.1f}\" y=\"16\" text-anchor=\"end\" fill=\"{}\">{}</text>",
                       legend_x,
                       colour,
                       escape_html(line.name));
        legend_x -= 12 + 6.5 * static_cast<double>(line.name.size());
    }
}

}  // namespace

std::string write_svg(const LineChart& chart) {
    const Frame frame(chart);
    std::string svg;
    const Out out = std::back_inserter(svg);
    fmt::format_to(out,
                   "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" font-size=\"11\" "
                   "font-family=\"sans-serif\" fill=\"currentColor\"><title>{2}</title>",
                   kWidth,
                   kHeight,
                   escape_html(chart.title));
    if (chart.shaded_to > chart.shaded_from) {
        fmt::format_to(out,
                       "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                       "fill=\"#8882\"/>",
                       frame.x(chart.shaded_from),
                       kTop,
                       frame.x(chart.shaded_to) - frame.x(chart.shaded_from),
                       kHeight - kTop - kBottom);
    }
    fmt::format_to(out,
                   "<text x=\"{:.0f}\" y=\"16\" font-weight=\"bold\">{}, {}</text>",
                   4.0,
                   escape_html(chart.title),
                   escape_html(chart.unit));
    write_grid(out, frame);
    write_lines(out, chart, frame);
    return svg + "</svg>";
}

std::string short_number(double value) {
    const double size = std::abs(value);
    const auto with = [](double number, const char* suffix) {
        return fmt::format("{:.3g}{}", number, suffix);
    };
    if (size >= 1e9) {
        return with(value / 1e9, "G");
    }
    if (size >= 1e6) {
        return with(value / 1e6, "M");
    }
    return size >= 1e4 ? with(value / 1e3, "k") : fmt::format("{:.4g}", value);
}

std::string escape_html(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            case '\'':
                escaped += "&#39;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

}  // namespace isthmus::load
