#include "signaling/livekit/client_connection.h"

#include <algorithm>
#include <utility>

#include "signaling/livekit/connection_answers.h"
#include "signaling/livekit/signal_session.h"

namespace isthmus::signaling::livekit {

using media::JoinResult;
using media::sfu::LocalDescription;

ClientConnection::ClientConnection(SessionHost& host,
                                   ConnectionUser& user,
                                   PublishedTracks& published,
                                   Subscriptions& subscriptions,
                                   bool beside)
    : host_(&host),
      user_(&user),
      published_(&published),
      subscriptions_(&subscriptions),
      beside_(beside),
      session_id_(host.random().next_u64() >> 1U) {}

void ClientConnection::on_offer(const proto::SessionDescription& offer) {
    if (busy_) {
        next_ = offer;
        return;
    }
    start(offer);
}

void ClientConnection::refresh() {
    if (!id_ || !current_) {
        return;
    }
    if (!subscriptions_->refresh(current_->sections)) {
        return;
    }
    host_->switchboard().renegotiate(
        connection(), without_inactive(*current_), [](const Result<LocalDescription>&) {});
}

void ClientConnection::stop_receiving(const std::vector<std::string>& track_sids) {
    if (!id_ || !current_ || track_sids.empty()) {
        return;
    }
    for (media::sfu::MediaSection& section : current_->sections) {
        if (section.direction == media::sfu::Direction::kReceive &&
            std::ranges::find(track_sids, section.published_id) != track_sids.end()) {
            section.direction = media::sfu::Direction::kInactive;
        }
    }
    host_->switchboard().renegotiate(
        connection(), without_inactive(*current_), [](const Result<LocalDescription>&) {});
}

void ClientConnection::start(const proto::SessionDescription& offer) {
    auto plan = plan_offer(offer, *published_, *subscriptions_, user_->may_publish());
    if (!plan) {
        fail(plan.error());
        return;
    }
    busy_ = true;
    if (id_) {
        renegotiate(std::move(*plan));
    } else {
        join(std::move(*plan));
    }
}

template <typename T>
media::Switchboard::Answer<T> ClientConnection::later(
    std::move_only_function<void(ClientConnection&, Result<T>)> then) {
    return [host = host_, sid = user_->participant_sid(), then = std::move(then)](
               Result<T> result) mutable {
        SignalSession* const session = host->find_session(sid);
        ClientConnection* const self = session == nullptr ? nullptr : &session->client_connection();
        if (self == nullptr) {
            let_go(*host, result);
            return;
        }
        then(*self, std::move(result));
        host->end_turn();
    };
}

void ClientConnection::join(OfferPlan plan) {
    media::JoinRequest request = user_->join_request();
    request.beside = beside_;
    request.description = without_inactive(plan.negotiated.connection);
    host_->switchboard().join(
        std::move(request),
        later<JoinResult>(
            [plan = std::move(plan)](ClientConnection& self, Result<JoinResult> joined) mutable {
                self.busy_ = false;
                if (!joined) {
                    self.fail(joined.error().message);
                    return;
                }
                self.id_ = joined->connection;
                self.host_->bind(joined->connection, self.user_->participant_sid());
                self.finish(plan, std::move(joined->local));
            }));
}

void ClientConnection::renegotiate(OfferPlan plan) {
    media::sfu::ConnectionDescription description = without_inactive(plan.negotiated.connection);
    host_->switchboard().renegotiate(
        connection(),
        std::move(description),
        later<LocalDescription>([plan = std::move(plan)](ClientConnection& self,
                                                         Result<LocalDescription> local) mutable {
            self.busy_ = false;
            if (!local) {
                self.fail(local.error().message);
                return;
            }
            self.finish(plan, std::move(*local));
        }));
}

void ClientConnection::finish(const OfferPlan& plan, LocalDescription local) {
    current_ = plan.negotiated.connection;
    user_->choose_candidates(local);
    user_->send_answer(livekit::make_answer(
        plan, std::move(local), *subscriptions_, session_id_, ++session_version_));
    user_->on_sending(connection(), plan.fresh_mids);
    refresh();  // what changed while the switchboard was at it
    if (next_) {
        start(std::exchange(next_, std::nullopt).value_or(proto::SessionDescription()));
    }
}

void ClientConnection::fail(const std::string& sentence) {
    user_->on_connection_failed(sentence);
}

}  // namespace isthmus::signaling::livekit
