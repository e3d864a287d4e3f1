// Whose a datagram or a request is: the participants of one worker, found by connection, by ICE
// user name and by path.
//
// Owns the participants. Pure bookkeeping; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/slot_map.h"
#include "base/string_hash.h"
#include "media/sfu/participant.h"
#include "media/sfu/participant_id.h"
#include "media/transport/address.h"
#include "media/worker/switchboard.h"

namespace isthmus::media {

class Connections {
  public:
    // Found by its connection and by its user name from now on.
    sfu::Participant& add(std::unique_ptr<sfu::Participant> participant);
    void erase(sfu::Participant& participant);

    // All find() return null where there is none (any more).
    [[nodiscard]] sfu::Participant* find(sfu::ParticipantId id);
    [[nodiscard]] sfu::Participant* find(ConnectionId connection);
    [[nodiscard]] sfu::Participant* find_ufrag(std::string_view ufrag);
    [[nodiscard]] sfu::Participant* find_path(const transport::Path& path);

    // One more user name that leads to it, until it goes.
    void add_ufrag(sfu::Participant& participant, const std::string& ufrag);
    // What comes on the path is the participant's from now on. Where it had as many as it may, the
    // oldest is forgotten.
    void bind_path(sfu::Participant& participant, const transport::Path& path);
    void unbind_path(sfu::Participant& participant, const transport::Path& path);

    template <typename Function>
    void for_each(Function&& function) {
        participants_.for_each([&function](auto, std::unique_ptr<sfu::Participant>& participant) {
            function(*participant);
        });
    }

    template <typename Function>
    void for_each(Function&& function) const {
        participants_.for_each(
            [&function](auto, const std::unique_ptr<sfu::Participant>& participant) {
                function(std::as_const(*participant));
            });
    }

    [[nodiscard]] std::size_t size() const { return participants_.size(); }

  private:
    using ParticipantId = sfu::ParticipantId;

    void forget_path(ParticipantId id, const transport::Path& path);

    SlotMap<std::unique_ptr<sfu::Participant>, sfu::ParticipantTag> participants_;
    boost::unordered_flat_map<std::uint64_t, ParticipantId> by_connection_;
    boost::unordered_flat_map<std::string, ParticipantId, StringHash, std::equal_to<>> by_ufrag_;
    boost::unordered_flat_map<transport::Path, ParticipantId, transport::PathHash> by_path_;
};

}  // namespace isthmus::media
