// Messages that participants send each other over data channels: who may, to whom they go, and what
// receivers are told of the sender.
//
// Pure but for the sender's last sequence number. What clients say to each other passes byte for
// byte; receivers trust the sender's name in it, so it is written here, whatever the message
// claims.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace isthmus::signaling::livekit {

struct DataSender {
    std::string sid;
    std::string identity;
    bool can_publish_data = true;
    bool hidden = false;  // receivers are not told its identity
    bool agent = false;   // may speak for others: transcriptions
};

struct RoutedData {
    std::shared_ptr<const std::vector<std::byte>> bytes;
    bool reliable = true;
    // Empty: everybody but the sender.
    std::vector<std::string> identities;
    std::vector<std::string> sids;  // the same, as old clients say it

    [[nodiscard]] bool is_for(std::string_view identity, std::string_view sid) const;
};

enum class DataFault : std::uint8_t {
    kMalformed,
    kNotAllowed,  // may not publish data, or not of this kind
    kRepeated,    // a reliable message that came already, sent again after a reconnection
};

// Takes one sender's messages, in the order in which they come.
class DataRouter {
  public:
    // `reliable`: of the channel on which it came.
    [[nodiscard]] std::expected<RoutedData, DataFault> route(std::span<const std::byte> message,
                                                             bool reliable,
                                                             const DataSender& sender);

    // The highest that came: a client that reconnects sends again what is above. 0: none.
    [[nodiscard]] std::uint32_t last_sequence() const { return last_sequence_; }

  private:
    std::uint32_t last_sequence_ = 0;
};

// What a server's call sends (RoomService.SendData).
struct ServerData {
    std::string payload;
    bool reliable = true;
    std::optional<std::string> topic;
    std::vector<std::string> identities;
    std::vector<std::string> sids;
    std::string nonce;  // 16 bytes, or none
};

[[nodiscard]] RoutedData route_server_data(const ServerData& data);

}  // namespace isthmus::signaling::livekit
