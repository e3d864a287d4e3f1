// A PostgreSQL server of the test's own, in a folder of its own, reached by a socket there.
#pragma once

#include <string>

#include "tests/temporary_folder.h"

namespace isthmus::hub {

class PostgresqlUnderTest {
  public:
    PostgresqlUnderTest();
    ~PostgresqlUnderTest();
    PostgresqlUnderTest(const PostgresqlUnderTest&) = delete;
    PostgresqlUnderTest& operator=(const PostgresqlUnderTest&) = delete;

    // Of an empty database, as hubs take it; empty where PostgreSQL is not installed.
    [[nodiscard]] const std::string& address() const { return address_; }

  private:
    TemporaryFolder folder_;
    std::string address_;
};

}  // namespace isthmus::hub
