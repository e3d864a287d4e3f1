// Two hubs on one PostgreSQL. HubFixture's is the first.
#pragma once

#include <memory>

#include "tests/tools/hub/hub_fixture.h"
#include "tests/tools/hub/postgresql_under_test.h"

namespace isthmus::hub {

// Begins before the hubs, and ends after them.
struct SharedDatabase {
    PostgresqlUnderTest postgresql;
};

class TwoHubsFixture : private SharedDatabase, public HubFixture {
  protected:
    explicit TwoHubsFixture(HubOptions options = {});
    void SetUp() override;
    void TearDown() override;

    // Calls go to the first or to the second from now on.
    void ask_first() { url_ = hub_->url(); }

    void ask_second() { url_ = second_->url(); }

    // Connects the agent's node to the second, over a network that never told the first of its
    // leaving.
    [[nodiscard]] std::unique_ptr<ScriptedAgent> move_to_second(ScriptedAgent& agent);

    std::unique_ptr<Hub> second_;
};

}  // namespace isthmus::hub
