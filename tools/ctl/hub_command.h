// isthmusctl hub: puts the verbs on the command line, logs in, and runs what was chosen.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
}

namespace isthmus::ctl {

// The command line's global options, which hold for the hub too.
struct HubGlobals {
    const bool* json = nullptr;
    const std::string* ca_file = nullptr;
    const bool* insecure = nullptr;
};

class HubCommand {
  public:
    using Choose = std::function<void(std::function<int()>)>;
    using Fail = std::function<int(const Error&)>;

    // Adds "hub" and all below it to `app`, which it must outlive no longer than this lives.
    // `choose` takes what is to be run after parsing; `fail` prints and gives the exit status.
    HubCommand(CLI::App& app, const HubGlobals& globals, const Choose& choose, Fail fail);
    ~HubCommand();
    HubCommand(const HubCommand&) = delete;
    HubCommand& operator=(const HubCommand&) = delete;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace isthmus::ctl
