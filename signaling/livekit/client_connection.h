// A connection whose offers the client makes: the only one of a client that speaks /rtc/v1, the
// publishing one of a client of /rtc.
//
// One offer at a time goes through the switchboard; of those that come meanwhile the last counts,
// since the client has given up the others. The first offer joins the conference, later ones change
// the connection. Driven by SignalSession.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "media/worker/switchboard.h"
#include "signaling/livekit/client_offer.h"
#include "signaling/livekit/session_host.h"

namespace isthmus::signaling::livekit {

// The session, as its connections see it.
class ConnectionUser {
  public:
    virtual ~ConnectionUser() = default;
    [[nodiscard]] virtual const std::string& participant_sid() const = 0;
    // Who joins; without a description.
    [[nodiscard]] virtual media::JoinRequest join_request() const = 0;
    [[nodiscard]] virtual bool may_publish() const = 0;
    // Takes away the candidates that the client is not to use.
    virtual void choose_candidates(media::sfu::LocalDescription& local) const = 0;
    // These sections carry a track since now.
    virtual void on_sending(media::ConnectionId connection,
                            const std::vector<std::string>& fresh_mids) = 0;
    virtual void send_answer(const proto::SessionDescription& answer) = 0;
    virtual void send_offer(const proto::SessionDescription& offer) = 0;
    // The offer is no good, or the switchboard will not have it.
    virtual void on_connection_failed(const std::string& sentence) = 0;
};

class ClientConnection {
  public:
    // All outlive it. `beside`: the participant has another connection too.
    ClientConnection(SessionHost& host,
                     ConnectionUser& user,
                     PublishedTracks& published,
                     Subscriptions& subscriptions,
                     bool beside);

    void on_offer(const proto::SessionDescription& offer);
    // What is wanted changed in a way that the client need not be asked about.
    void refresh();

    [[nodiscard]] const std::optional<media::ConnectionId>& id() const { return id_; }

    // The client may not send these tracks any more: they are not received from now on.
    void stop_receiving(const std::vector<std::string>& track_sids);

  private:
    void start(const proto::SessionDescription& offer);
    void join(OfferPlan plan);
    void renegotiate(OfferPlan plan);
    // Runs `then` on this connection, if there still is one, when the switchboard answers.
    template <typename T>
    [[nodiscard]] media::Switchboard::Answer<T> later(
        std::move_only_function<void(ClientConnection&, Result<T>)> then);
    void finish(const OfferPlan& plan, media::sfu::LocalDescription local);
    void fail(const std::string& sentence);

    // Of one that was made.
    [[nodiscard]] media::ConnectionId connection() const {
        return id_.value_or(media::ConnectionId{});
    }

    SessionHost* host_;
    ConnectionUser* user_;
    PublishedTracks* published_;
    Subscriptions* subscriptions_;
    bool beside_ = false;
    std::optional<media::ConnectionId> id_;
    bool busy_ = false;
    std::optional<proto::SessionDescription> next_;
    std::optional<media::sfu::ConnectionDescription> current_;
    std::uint64_t session_id_ = 0;
    std::uint64_t session_version_ = 0;
};

}  // namespace isthmus::signaling::livekit
