// Takes what is in the outbox to the hub: one push under way at a time, and the next when its
// acknowledgement is there.
//
// One thread. A push that the hub finds malformed is sent again entry by entry, and the one that it
// does not take is given up and told, so that it does not block the others for ever.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "control-agent/channel/json_rpc.h"
#include "control-agent/outbox/outbox.h"

namespace isthmus::agent {

inline constexpr std::size_t kPushEntriesMax = 200;
inline constexpr std::size_t kPushBytesMax = 256UL * 1024;

class EventPusher {
  public:
    using Answer =
        std::move_only_function<void(std::expected<boost::json::value, channel::RpcError>)>;
    // Sends "events.push"; answers later, once, whatever happens.
    using Push = std::function<void(const boost::json::value& params, Answer answer)>;

    // `outbox` outlives it; `now_unix_ms` reads the clock.
    EventPusher(outbox::Outbox& outbox, std::function<std::int64_t()> now_unix_ms, Push push)
        : outbox_(&outbox), now_unix_ms_(std::move(now_unix_ms)), push_(std::move(push)) {}

    void on_up();
    void on_down();
    // Something was appended, or time has passed: what failed is tried again.
    void pump();

    [[nodiscard]] std::uint64_t refused() const { return refused_; }

  private:
    void on_answer(std::uint64_t epoch,
                   std::uint64_t first,
                   std::size_t count,
                   const std::expected<boost::json::value, channel::RpcError>& answer);
    void on_malformed(std::uint64_t epoch, std::uint64_t first, std::size_t count);

    outbox::Outbox* outbox_;
    std::function<std::int64_t()> now_unix_ms_;
    Push push_;
    bool up_ = false;
    bool under_way_ = false;
    bool one_by_one_ = false;
    std::uint64_t refused_ = 0;
};

}  // namespace isthmus::agent
