// What configuring a program needs of it; whoever runs the program implements it.
//
// Answers come later, once, on the same thread; never from within a call.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"

namespace isthmus::configuration {

class ConfiguredProgram {
  public:
    using Answer = std::move_only_function<void(Result<void>)>;

    virtual ~ConfiguredProgram() = default;

    // Whether it would take the file: its own --check-config. The error is what it says.
    virtual void check(const std::filesystem::path& file, Answer answer) = 0;
    // Lets what it does finish, so that a restart interrupts nobody, and says of what it waits.
    // Good as well when the time for that is up; an error: it is not to be restarted.
    virtual void make_way(std::function<void(const std::string& what)> tell, Answer answer) = 0;
    // make_way() answers with an error that says why.
    virtual void stay(std::string why) = 0;
    // Undoes what make_way() did, where it did something; also after a restart of the agent.
    virtual void reopen(Answer answer) = 0;
    // Ends it where it runs and starts it: from now on it reads the file that is in place.
    virtual void restart(Answer answer) = 0;
    // Good once it serves; an error where it does not within its time.
    virtual void wait_until_healthy(Answer answer) = 0;
};

}  // namespace isthmus::configuration
