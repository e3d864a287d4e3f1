// The one door between signaling and the media workers.
//
// Owned and called by the signaling thread only; answers come back on that thread, never from
// within the call. It alone knows which conference lives on which worker. Holds no media.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "media/sfu/conference_info.h"
#include "media/sfu/connection_description.h"
#include "media/sfu/track_layers.h"
#include "media/worker/conference_event.h"

namespace isthmus::media {

struct JoinRequest {
    std::string conference;  // its name; made when the first participant joins
    // Where it has one already, on another worker; the switchboard's own business.
    std::string conference_id;
    std::string identity;  // one participant at a time has it in a conference: a second join with
                           // it ends the first
    std::string name;
    bool can_publish = false;
    bool can_subscribe = false;
    bool hidden = false;  // not listed for others
    // Subscribe to this participant's tracks only; empty: to whoever there is, in order of joining.
    std::string watch_identity;
    // Empty: the node makes one ("PA_..."). Several connections may have the same: see `beside`.
    std::string participant_id = {};
    // It is sent what MediaSection::wanted_track names and nothing else, wherever its sections are
    // free.
    bool names_tracks = false;
    // Another connection of a participant who has one already, and keeps it (one to publish, one to
    // subscribe).
    bool beside = false;
    // With an empty `remote_ice` the node offers: the client's answer comes with renegotiate().
    sfu::ConnectionDescription description;
};

struct JoinResult {
    ConnectionId connection;
    std::string participant_id;
    std::string conference_id;
    sfu::LocalDescription local;
};

enum class LeaveReason : std::uint8_t {
    kClientLeft,       // DELETE, or DTLS close_notify
    kTimeout,          // nothing heard
    kTransportFailed,  // DTLS handshake failed or took too long
    kReplaced,         // the identity joined again
    kRemoved,          // by an operator
    kShutdown,
};

// What signaling hears without asking.
struct ConnectionGone {
    ConnectionId connection;
    std::string conference;
    std::string identity;
    LeaveReason reason = LeaveReason::kClientLeft;
};

class Switchboard {
  public:
    template <typename T>
    using Answer = std::move_only_function<void(Result<T>)>;

    virtual ~Switchboard() = default;

    virtual void join(JoinRequest request, Answer<JoinResult> answer) = 0;
    // Ends the connection and, with it, its participant. Answers kNotFound for one that is gone.
    virtual void leave(ConnectionId connection, LeaveReason reason, Answer<void> answer) = 0;
    // New remote credentials, new local ones back (RFC 8445 section 9). Empty ones where the node
    // begins: the client's come with renegotiate().
    virtual void restart_ice(ConnectionId connection,
                             transport::IceCredentials remote,
                             Answer<sfu::LocalDescription> answer) = 0;

    // New sections in place of those that there were: one of a known mid goes on, with another
    // direction or another track where it says so; others are added. A publishing section that is
    // not received any more ends its track; a mid that is not there any more is forgotten. ICE
    // credentials that differ restart ICE, empty ones change nothing. Fingerprint and role are the
    // first answer's. Answers with all senders.
    virtual void renegotiate(ConnectionId connection,
                             sfu::ConnectionDescription description,
                             Answer<sfu::LocalDescription> answer) = 0;
    // To one of the connection's data channels. Nothing is answered: what is lost is either a
    // message of an unreliable channel, or the connection, whose client reads too slowly.
    virtual void send_data(ConnectionId connection, DataMessage message) = 0;

    // Which layers of the videos in section `mid` (empty: in all) the client wants from now on; of
    // sound, named by its mid, whether it is paused. Good until the section wants another track.
    // kNotFound where it is sent nothing there.
    virtual void set_layer_wish(ConnectionId connection,
                                std::string mid,
                                sfu::LayerWish wish,
                                Answer<void> answer) = 0;

    // Without participants' details where `details` is false.
    virtual void list_conferences(bool details,
                                  Answer<std::vector<sfu::ConferenceInfo>> answer) = 0;
    virtual void find_conference(std::string name, Answer<sfu::ConferenceInfo> answer) = 0;
    virtual void remove_participant(std::string conference,
                                    std::string identity,
                                    Answer<void> answer) = 0;
    virtual void end_conference(std::string name, Answer<void> answer) = 0;
    // Off: a join that would begin a conference is answered with kUnavailable. Those that run go
    // on, and take whoever joins them.
    virtual void admit_conferences(bool admit) = 0;
    // Whether somebody may join the conference as far as that is concerned. Of no name: a new one.
    [[nodiscard]] virtual bool admits(const std::string& conference) const = 0;
    // Those that somebody is in, or is just joining.
    [[nodiscard]] virtual std::size_t conference_count() const = 0;
    // One entry per worker.
    virtual void collect_stats(Answer<std::vector<sfu::WorkerStats>> answer) = 0;

    virtual void on_event(std::function<void(const ConferenceEvent&)> listener) = 0;
    virtual void on_connection_gone(std::function<void(const ConnectionGone&)> listener) = 0;
};

}  // namespace isthmus::media
