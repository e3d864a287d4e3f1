// A nats-server of the test's own on a port of 127.0.0.1.
#pragma once

#include <string>
#include <utility>

#include <sys/types.h>

#include "tests/temporary_folder.h"

namespace isthmus::hub {

class NatsServerUnderTest {
  public:
    // `configuration`: more of nats-server's.
    explicit NatsServerUnderTest(std::string configuration = {});
    ~NatsServerUnderTest();
    NatsServerUnderTest(const NatsServerUnderTest&) = delete;
    NatsServerUnderTest& operator=(const NatsServerUnderTest&) = delete;

    [[nodiscard]] static bool installed();

    void start();  // on the port of before, if there was one
    void kill();
    void freeze() const;  // it goes on holding its connections
    void thaw() const;

    // From the next start on.
    void reconfigure(std::string configuration) { configuration_ = std::move(configuration); }

    [[nodiscard]] std::string log() const;

    [[nodiscard]] std::string url(const std::string& scheme = "nats") const;

  private:
    TemporaryFolder folder_;
    std::string configuration_;
    std::string port_ = "-1";  // any
    pid_t pid_ = -1;
};

}  // namespace isthmus::hub
