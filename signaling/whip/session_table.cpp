#include "signaling/whip/session_table.h"

#include <utility>

#include "base/check.h"

namespace isthmus::signaling::whip {

void SessionTable::add(const std::string& name, Session session) {
    publishers_ += session.role == sdp::Role::kPublisher ? 1 : 0;
    const media::ConnectionId connection = session.connection;
    CHECK(sessions_.emplace(name, std::move(session)).second);
    names_.insert_or_assign(connection, name);
}

Session* SessionTable::find(std::string_view name) {
    const auto found = sessions_.find(name);
    return found == sessions_.end() ? nullptr : &found->second;
}

void SessionTable::erase(const std::string& name) {
    const auto found = sessions_.find(name);
    if (found == sessions_.end()) {
        return;
    }
    publishers_ -= found->second.role == sdp::Role::kPublisher ? 1 : 0;
    names_.erase(found->second.connection);
    sessions_.erase(found);
}

bool SessionTable::erase(media::ConnectionId connection) {
    const auto found = names_.find(connection);
    if (found == names_.end()) {
        return false;
    }
    erase(std::string(found->second));
    return true;
}

std::size_t SessionTable::count(sdp::Role role) const {
    return role == sdp::Role::kPublisher ? publishers_ : sessions_.size() - publishers_;
}

}  // namespace isthmus::signaling::whip
