// What configuring a program needs of it; whoever runs the program implements it.
//
// Answers come later, once, on the same thread; never from within a call.
#pragma once

#include <filesystem>
#include <functional>

#include "base/error.h"

namespace isthmus::configuration {

class ConfiguredProgram {
  public:
    using Answer = std::move_only_function<void(Result<void>)>;

    virtual ~ConfiguredProgram() = default;

    // Whether it would take the file: its own --check-config. The error is what it says.
    virtual void check(const std::filesystem::path& file, Answer answer) = 0;
    // Ends it where it runs and starts it: from now on it reads the file that is in place.
    virtual void restart(Answer answer) = 0;
    // Good once it serves; an error where it does not within its time.
    virtual void wait_until_healthy(Answer answer) = 0;
};

}  // namespace isthmus::configuration
