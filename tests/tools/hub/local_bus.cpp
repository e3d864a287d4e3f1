#include "tests/tools/hub/local_bus.h"

#include <utility>

namespace isthmus::hub {

class LocalBus::End final : public Bus {
  public:
    End(LocalBus& bus, BusUser user) : bus_(&bus), number_(bus.next_++) {
        bus_->users_.emplace(number_, std::move(user));
    }

    ~End() override { bus_->users_.erase(number_); }

    End(const End&) = delete;
    End& operator=(const End&) = delete;

    void publish(std::string payload) override {
        ++figures_.published;
        bus_->published.push_back(payload);
        bus_->deliver(number_, payload);
    }

    [[nodiscard]] BusFigures figures() const override {
        BusFigures figures = figures_;
        figures.connected = bus_->connected;
        return figures;
    }

  private:
    LocalBus* bus_;
    std::uint64_t number_;
    BusFigures figures_;
};

BusMaker LocalBus::maker() {
    return [this](const std::string& /*instance*/,
                  const BusUser& user) -> Result<std::unique_ptr<Bus>> {
        return std::make_unique<End>(*this, user);
    };
}

void LocalBus::deliver(std::uint64_t from, const std::string& payload) {
    if (!connected) {
        return;
    }
    for (const auto& [number, user] : users_) {
        if (number != from) {
            user.post([this, number, payload] { hand_over(number, payload); });
        }
    }
}

void LocalBus::hand_over(std::uint64_t to, const std::string& payload) {
    if (const auto found = users_.find(to); found != users_.end()) {
        found->second.on_payload(payload);
    }
}

}  // namespace isthmus::hub
