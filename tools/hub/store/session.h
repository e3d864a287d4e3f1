// One connection to one database, over SOCI. Internal to this folder.
#pragma once

#include <exception>
#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "tools/hub/store/sql.h"

namespace soci {
class session;  // NOLINT(readability-identifier-naming): SOCI's
}

namespace isthmus::hub {

class Session final : public Sql {
  public:
    // "postgresql://..." as libpq takes it, or the path of an SQLite file.
    [[nodiscard]] static Result<std::unique_ptr<Session>> open(const std::string& address);
    ~Session() override;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    [[nodiscard]] bool is_postgresql() const override { return postgresql_; }

    // For PostgreSQL that came back.
    [[nodiscard]] Result<void> reconnect();

    // Whether, since it was last asked, PostgreSQL let a statement fail because two transactions
    // waited for each other. Nothing of the transaction is kept then.
    [[nodiscard]] bool take_deadlocked() { return std::exchange(deadlocked_, false); }

  protected:
    [[nodiscard]] Result<void> do_each(const std::vector<std::string>& columns,
                                       std::string_view rest,
                                       const SqlValues& values,
                                       const Use& use) override;
    [[nodiscard]] Result<std::int64_t> do_run(std::string_view text,
                                              const SqlValues& values) override;

  private:
    Session(std::unique_ptr<soci::session> session, bool postgresql);
    [[nodiscard]] std::unexpected<Error> failed(const std::exception& thrown);

    std::unique_ptr<soci::session> session_;
    bool postgresql_;
    bool deadlocked_ = false;
};

}  // namespace isthmus::hub
