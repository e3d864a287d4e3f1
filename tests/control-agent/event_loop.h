// An io_context that a test runs until something has happened, or too much time has passed.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "base/error.h"

namespace isthmus {

class EventLoop {
  public:
    boost::asio::io_context& io() { return io_; }

    template <typename Condition>
    bool run_until(Condition condition) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > limit) {
                return false;
            }
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds(50));
        }
        return true;
    }

    // What `call` is answered, which must be later than within the call.
    template <typename Call>
    Result<void> finish(Call call) {
        std::optional<Result<void>> result;
        call(std::move_only_function<void(Result<void>)>(
            [&result](Result<void> answer) { result = std::move(answer); }));
        EXPECT_FALSE(result) << "answered from within the call";
        EXPECT_TRUE(run_until([&] { return result.has_value(); }));
        return result.value_or(Result<void>());
    }

  private:
    boost::asio::io_context io_;
};

}  // namespace isthmus
