// The sessions that clients made over HTTP, found by the name in their URL or by their connection.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "media/transport/ice.h"
#include "media/worker/switchboard.h"
#include "signaling/sdp/negotiate.h"
#include "signaling/sdp/trickle_fragment.h"
#include "signaling/whip/access.h"

namespace isthmus::signaling::whip {

struct Session {
    sdp::Role role = sdp::Role::kPublisher;
    std::string conference;
    SessionOwner owner;
    media::ConnectionId connection;
    std::string etag;  // with its quotes
    media::transport::IceCredentials remote_ice;
    // What an ICE restart's answer says beside candidates and credentials.
    sdp::TrickleFragment fragment;
};

// Pointers are good until the session is erased.
class SessionTable {
  public:
    // `name` is not there yet.
    void add(const std::string& name, Session session);
    [[nodiscard]] Session* find(std::string_view name);
    void erase(const std::string& name);
    // Returns false where no session has it.
    bool erase(media::ConnectionId connection);

    [[nodiscard]] std::size_t size() const { return sessions_.size(); }

    [[nodiscard]] std::size_t count(sdp::Role role) const;

  private:
    std::map<std::string, Session, std::less<>> sessions_;
    std::map<media::ConnectionId, std::string> names_;
    std::size_t publishers_ = 0;
};

}  // namespace isthmus::signaling::whip
