#include "media/worker/load_meter.h"

#include <chrono>
#include <cmath>

namespace isthmus::media {
namespace {

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

void LoadMeter::begin(Instant now, const Totals& totals) {
    since_ = now;
    before_ = totals;
    next_ = now + kInterval;
}

void LoadMeter::sample(Instant now, const Totals& totals) {
    const double elapsed = seconds(now - since_);
    const double weight = 1 - std::exp(-elapsed / seconds(kSmoothing));
    const auto approach = [weight](double& value, double measured) {
        value += weight * (measured - value);
    };
    approach(reading_.cpu_share, seconds(totals.cpu - before_.cpu) / elapsed);
    approach(reading_.packets_per_second,
             static_cast<double>(totals.packets - before_.packets) / elapsed);
    approach(reading_.loading, static_cast<double>(totals.loading));
    begin(now, totals);
}

void LoadMeter::stop() {
    reading_ = {};
    next_ = kNever;
}

}  // namespace isthmus::media
