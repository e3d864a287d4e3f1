// The API's functions on a database of the test's own, with no sockets and no threads: who is who
// is said by the test.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/random.h"
#include "tests/temporary_folder.h"
#include "tools/hub/api/endpoint.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/store/database.h"
#include "tools/hub/tenancy/caller.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

// A path as an endpoint has it, with ids for what is in braces: {"{node}", "..."}.
[[nodiscard]] std::string fill_path(std::string_view path,
                                    const std::map<std::string, std::string>& places);

class ApiUnderTest {
  public:
    // `database`: postgresql://..., or empty for SQLite.
    explicit ApiUnderTest(const std::string& database = {});

    // A new organisation; its full administrator.
    [[nodiscard]] Caller add_organisation(const std::string& name);

    // Runs the endpoint that the path fits, with its role check. kNotFound where there is none.
    [[nodiscard]] Result<ApiAnswer> call(const Caller& caller,
                                         const std::string& method,
                                         const std::string& path,
                                         const boost::json::value& body = nullptr);
    // The same, where it must go well: the answer's body.
    boost::json::value body_of(const Caller& caller,
                               const std::string& method,
                               const std::string& path,
                               const boost::json::value& body = nullptr);
    // A node as enrolment leaves it; its id.
    [[nodiscard]] std::string add_node(const Caller& caller,
                                       const std::string& cluster,
                                       const std::string& name);

    // Any function of the hub, in a transaction.
    [[nodiscard]] Result<void> run(const Caller* caller,
                                   const std::function<Result<void>(const Context&)>& job);

    // All rows of all tables that name the organisation, as text.
    [[nodiscard]] std::string dump(const std::string& organisation);

    std::int64_t now_ms = 1'800'000'000'000;

  private:
    TemporaryFolder folder_;
    SeededRandom random_{1};
    MasterKey master_;
    std::unique_ptr<Database> database_;
    std::shared_ptr<const Keyring> keyring_;
};

}  // namespace isthmus::hub
