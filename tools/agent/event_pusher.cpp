#include "tools/agent/event_pusher.h"

#include <utility>
#include <vector>

#include <boost/json/array.hpp>

#include "base/log.h"
#include "control-agent/channel/json_fields.h"

namespace isthmus::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyBytesMax = 256UL * 1024;

json::object describe(const outbox::OutboxEntry& entry) {
    auto body = channel::parse_json(entry.body, kBodyBytesMax);
    return {{"sequence", entry.sequence},
            {"time_ms", entry.unix_ms},
            {"kind", entry.kind},
            {"body", body ? std::move(*body) : json::value(entry.body)}};
}

}  // namespace

void EventPusher::on_up() {
    up_ = true;
    pump();
}

void EventPusher::on_down() {
    up_ = false;
}

void EventPusher::pump() {
    outbox_->flush(now_unix_ms_());
    if (!up_ || under_way_) {
        return;
    }
    const std::vector<outbox::OutboxEntry> entries =
        outbox_->read(now_unix_ms_(), 0, one_by_one_ ? 1 : kPushEntriesMax, kPushBytesMax);
    if (entries.empty()) {
        one_by_one_ = false;
        return;
    }
    json::array items;
    for (const outbox::OutboxEntry& entry : entries) {
        items.push_back(describe(entry));
    }
    under_way_ = true;
    const std::uint64_t epoch = outbox_->state().epoch;
    push_(json::object{{"epoch", epoch}, {"entries", std::move(items)}},
          [this, epoch, first = entries.front().sequence, count = entries.size()](
              std::expected<json::value, channel::RpcError> answer) {
              on_answer(epoch, first, count, answer);
          });
}

void EventPusher::on_answer(std::uint64_t epoch,
                            std::uint64_t first,
                            std::size_t count,
                            const std::expected<json::value, channel::RpcError>& answer) {
    under_way_ = false;
    if (!answer) {
        if (answer.error().code == channel::kRpcInvalidParams) {
            on_malformed(epoch, first, count);
        }
        // Anything else: pump() is called again by the heartbeat, or when the channel is up.
        return;
    }
    const auto acknowledged = channel::integer_field(*answer, "acknowledged");
    if (!acknowledged || *acknowledged < 0) {
        log::warning("events", "the hub's acknowledgement has no number");
        return;
    }
    outbox_->acknowledge(now_unix_ms_(), epoch, static_cast<std::uint64_t>(*acknowledged));
    // A hub that acknowledges nothing is not asked again at once.
    if (static_cast<std::uint64_t>(*acknowledged) >= first) {
        pump();
    }
}

void EventPusher::on_malformed(std::uint64_t epoch, std::uint64_t first, std::size_t count) {
    if (count > 1) {
        one_by_one_ = true;
    } else {
        log::error("events", "the hub does not take event {}; it is given up", first);
        ++refused_;
        outbox_->acknowledge(now_unix_ms_(), epoch, first);
    }
    pump();
}

}  // namespace isthmus::agent
