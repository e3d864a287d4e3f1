// The hub as a process of its own, and what it costs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace isthmus::hub {

struct ProcessCost {
    double cpu_s = 0;  // user and system, since its start
    std::uint64_t resident_kib = 0;
};

class HubProcess {
  public:
    // Waits until it listens on 127.0.0.1:`port`.
    [[nodiscard]] static Result<HubProcess> start(const std::string& program,
                                                  const std::filesystem::path& data,
                                                  std::uint16_t port);
    HubProcess(HubProcess&& other) noexcept;
    HubProcess& operator=(HubProcess&& other) noexcept;
    HubProcess(const HubProcess&) = delete;
    HubProcess& operator=(const HubProcess&) = delete;
    ~HubProcess();

    // As a power cut would: SIGKILL.
    void kill();
    [[nodiscard]] ProcessCost cost() const;

  private:
    explicit HubProcess(int pid) : pid_(pid) {}

    int pid_ = -1;
};

}  // namespace isthmus::hub
