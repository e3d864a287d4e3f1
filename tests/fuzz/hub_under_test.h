// Two organisations on a hub's database in memory, and requests into the API's endpoints: what each
// does is undone after the input. No sockets, no threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/http/message.h"
#include "base/random.h"
#include "tools/hub/api/call.h"
#include "tools/hub/fleet/keyring.h"
#include "tools/hub/identity/master_key.h"
#include "tools/hub/store/database.h"
#include "tools/hub/tenancy/context.h"

namespace isthmus::hub {

class HubUnderTest {
  public:
    HubUnderTest();

    // Runs `requests` in a transaction that is undone.
    void run(const std::function<void(const Context&)>& requests);

    // One request, undone where it fails, as the hub's database does. Nothing where no route takes
    // it.
    [[nodiscard]] std::optional<Result<ApiAnswer>> call(const Context& context,
                                                        http::Request request);

    // Tokens of people: full, readonly, support, operator, script; other: the second organisation.
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& tokens() const {
        return tokens_;
    }

    // "@node@" becomes the id of the first organisation's node, "@other.node@" that of the second.
    [[nodiscard]] std::string fill(std::string_view text) const;

    // What is in everything of the second organisation that the first must never be shown.
    [[nodiscard]] const std::string& others_mark() const { return others_mark_; }

    // All rows of the second organisation.
    [[nodiscard]] std::string others_rows(const Context& context) const;

  private:
    struct Organisation {
        std::string prefix;  // of its places in fill(): "other."
        std::string mark;    // of its names
    };

    void fill_organisation(const Context& context, const Organisation& organisation);
    std::string add_node(const Context& context, const std::string& cluster);
    void add_tables_routes();
    void add_other_routes();
    Result<ApiAnswer> answer(const Endpoint& endpoint, const http::Request& request);

    MasterKey master_;
    SeededRandom random_{7};
    std::unique_ptr<Database> database_;
    std::shared_ptr<const Keyring> keyring_;
    std::map<std::string, std::string, std::less<>> tokens_;
    std::map<std::string, std::string, std::less<>> ids_;
    std::string others_;
    std::string others_mark_;
    http::Router router_;
    const Context* context_ = nullptr;  // of the call that runs
    std::optional<Result<ApiAnswer>> answer_;
};

}  // namespace isthmus::hub
