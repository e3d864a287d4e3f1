// Writes metrics in the Prometheus text format, version 0.0.4.
//
// There is no registry: whoever owns a figure keeps it as a plain number in its own thread and
// hands a snapshot to the thread that answers the scrape. docs/metrics.md names every metric.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace isthmus {

class MetricsWriter {
  public:
    using Label = std::pair<std::string_view, std::string_view>;

    // Opens a family: HELP and TYPE lines. `name` ends in _total for counters and in a base unit
    // (_seconds, _bytes, _ratio) where it has one.
    void counter(std::string_view name, std::string_view help);
    void gauge(std::string_view name, std::string_view help);

    // One sample of the family opened last.
    void sample(double value, std::initializer_list<Label> labels = {});
    void sample(std::uint64_t value, std::initializer_list<Label> labels = {});

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void open(std::string_view name, std::string_view help, std::string_view type);
    void open_sample(std::initializer_list<Label> labels);

    std::string family_;
    std::string text_;
};

}  // namespace isthmus
