#include "tools/hub/hub_metrics.h"

#include <gtest/gtest.h>

#include "tests/documented_metrics.h"

namespace isthmus::hub {
namespace {

TEST(HubMetrics, AreThoseThatTheDocumentNames) {
    const auto written = written_metrics(hub_metrics({}));
    EXPECT_GT(written.size(), 15U);
    EXPECT_EQ(written, documented_metrics("docs/hub-metrics.md"));
}

}  // namespace
}  // namespace isthmus::hub
