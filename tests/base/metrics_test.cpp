#include "base/metrics.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

TEST(MetricsWriter, WritesAFamilyAndItsSamples) {
    MetricsWriter writer;
    writer.counter("isthmus_packets_total", "Packets seen.");
    writer.sample(std::uint64_t{3}, {{"worker", "0"}, {"kind", "rtp"}});
    writer.gauge("isthmus_load_ratio", "Share of a core.");
    writer.sample(0.25);
    EXPECT_EQ(writer.text(),
              "# HELP isthmus_packets_total Packets seen.\n"
              "# TYPE isthmus_packets_total counter\n"
              "isthmus_packets_total{worker=\"0\",kind=\"rtp\"} 3\n"
              "# HELP isthmus_load_ratio Share of a core.\n"
              "# TYPE isthmus_load_ratio gauge\n"
              "isthmus_load_ratio 0.25\n");
}

TEST(MetricsWriter, EscapesLabelValues) {
    MetricsWriter writer;
    writer.gauge("g", "one\ntwo");
    writer.sample(std::uint64_t{1}, {{"name", "a\"b\\c\nd"}});
    EXPECT_EQ(writer.text(), "# HELP g one\\ntwo\n# TYPE g gauge\ng{name=\"a\\\"b\\\\c\\nd\"} 1\n");
}

}  // namespace
}  // namespace isthmus
