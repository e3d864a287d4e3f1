// Waits on a port of the loopback address for the one request that a browser is sent with.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace isthmus::ctl {

class LoopbackListener {
  public:
    // `state`: what the request must say, so that no other page can speak for the hub.
    [[nodiscard]] static Result<std::unique_ptr<LoopbackListener>> open(std::string state);
    ~LoopbackListener();
    LoopbackListener(const LoopbackListener&) = delete;
    LoopbackListener& operator=(const LoopbackListener&) = delete;

    // "http://127.0.0.1:PORT/signed-in"
    [[nodiscard]] std::string url() const;

    // The code. kPermissionDenied with what the hub says where it refused, kUnavailable where
    // nobody came in time.
    [[nodiscard]] Result<std::string> wait(Duration time);

  private:
    struct State;
    explicit LoopbackListener(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::ctl
