// WebSocket connections of many agents over one TLS context: one that each agent made for itself
// would hold the machine's authorities five thousand times.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include "tests/tools/hub/scripted_agent.h"

namespace isthmus::hub {

struct SharedTls {
    explicit SharedTls(const std::string& ca_file);

    boost::asio::ssl::context context;
};

// To 127.0.0.1:`port`. Both outlive it.
[[nodiscard]] std::unique_ptr<ScriptedDialler> make_shared_dialler(boost::asio::io_context& io,
                                                                   SharedTls& tls,
                                                                   std::uint16_t port);

}  // namespace isthmus::hub
