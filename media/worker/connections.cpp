#include "media/worker/connections.h"

namespace isthmus::media {

sfu::Participant& Connections::add(std::unique_ptr<sfu::Participant> participant) {
    const ParticipantId id = participants_.emplace(std::move(participant));
    sfu::Participant& added = **participants_.find(id);
    added.set_handle(id);
    by_connection_.emplace(added.connection(), id);
    by_ufrag_.emplace(added.transport().local_ice().ufrag, id);
    return added;
}

void Connections::erase(sfu::Participant& participant) {
    const ParticipantId id = participant.handle();
    by_connection_.erase(participant.connection());
    for (const std::string& ufrag : participant.ufrags()) {
        by_ufrag_.erase(ufrag);
    }
    for (const transport::Path& path : participant.paths()) {
        forget_path(id, path);
    }
    participants_.erase(id);
}

sfu::Participant* Connections::find(ParticipantId id) {
    std::unique_ptr<sfu::Participant>* found = participants_.find(id);
    return found == nullptr ? nullptr : found->get();
}

sfu::Participant* Connections::find(ConnectionId connection) {
    const auto found = by_connection_.find(connection.value);
    return found == by_connection_.end() ? nullptr : find(found->second);
}

sfu::Participant* Connections::find_ufrag(std::string_view ufrag) {
    const auto found = by_ufrag_.find(ufrag);
    return found == by_ufrag_.end() ? nullptr : find(found->second);
}

sfu::Participant* Connections::find_path(const transport::Path& path) {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : find(found->second);
}

void Connections::add_ufrag(sfu::Participant& participant, const std::string& ufrag) {
    by_ufrag_.emplace(ufrag, participant.handle());
    participant.remember_ufrag(ufrag);
}

void Connections::bind_path(sfu::Participant& participant, const transport::Path& path) {
    const ParticipantId id = participant.handle();
    const auto [bound, is_new] = by_path_.try_emplace(path, id);
    if (!is_new && bound->second == id) {
        return;
    }
    bound->second = id;
    if (const auto oldest = participant.remember_path(path)) {
        forget_path(id, *oldest);
    }
}

void Connections::unbind_path(sfu::Participant& participant, const transport::Path& path) {
    forget_path(participant.handle(), path);
    participant.forget_path(path);
}

void Connections::forget_path(ParticipantId id, const transport::Path& path) {
    const auto bound = by_path_.find(path);
    if (bound != by_path_.end() && bound->second == id) {
        by_path_.erase(bound);
    }
}

}  // namespace isthmus::media
