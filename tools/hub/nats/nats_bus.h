// The bus between instances over NATS: one subject, which each of them publishes on and subscribes.
//
// Messages alone: no JetStream, nothing that outlives the moment. NATS may be away for days; what
// is to be published meanwhile is dropped and counted. A thread of its own does whatever may wait
// (connecting, writing); the network thread only ever takes a lock for a moment. Hides the library.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "tools/hub/instances/bus.h"
#include "tools/hub/nats/nats_options.h"

namespace isthmus::hub {

class NatsBus final : public Bus {
  public:
    // Fails where the options cannot be used, not where no server answers: it goes on trying.
    [[nodiscard]] static Result<std::unique_ptr<Bus>> start(NatsOptions options,
                                                            const std::string& instance,
                                                            BusUser user);
    // May wait for a connection attempt that is under way: two seconds for each server.
    ~NatsBus() override;
    NatsBus(const NatsBus&) = delete;
    NatsBus& operator=(const NatsBus&) = delete;

    void publish(std::string payload) override;
    [[nodiscard]] BusFigures figures() const override;

  private:
    class Link;

    explicit NatsBus(std::shared_ptr<Link> link) : link_(std::move(link)) {}

    std::shared_ptr<Link> link_;
};

// For HubOptions.
[[nodiscard]] BusMaker nats_bus(NatsOptions options);

}  // namespace isthmus::hub
