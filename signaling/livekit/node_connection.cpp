#include "signaling/livekit/node_connection.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "signaling/livekit/connection_answers.h"
#include "signaling/livekit/node_template.h"
#include "signaling/livekit/signal_session.h"
#include "signaling/sdp/answer.h"

namespace isthmus::signaling::livekit {

using media::JoinResult;
using media::rtp::MediaKind;
using media::sfu::Direction;
using media::sfu::LocalDescription;

namespace {

constexpr std::size_t kSectionsMax = 600;
constexpr sdp::SdpLimits kSdpLimits{.bytes_max = 2UL * 1024 * 1024, .sections_max = kSectionsMax};

[[nodiscard]] sdp::NegotiationPolicy policy() {
    return {.role = sdp::Role::kBoth, .sections_max = kSectionsMax, .accept_data = true};
}

// The channels that clients expect on this connection.
[[nodiscard]] std::vector<media::sfu::DataChannelConfig> channels() {
    return {{.label = "_reliable", .ordered = true, .max_retransmits = {}},
            {.label = "_lossy", .ordered = false, .max_retransmits = 0}};
}

}  // namespace

NodeConnection::NodeConnection(SessionHost& host,
                               ConnectionUser& user,
                               Subscriptions& subscriptions)
    : host_(&host),
      user_(&user),
      subscriptions_(&subscriptions),
      session_id_(host.random().next_u64() >> 1U) {
    template_.media.push_back(make_data_template());
}

void NodeConnection::begin() {
    prepare();
}

void NodeConnection::settle() {
    if (state_ == State::kIdle && id_ && subscriptions_->needs_offer()) {
        prepare();
    }
}

template <typename T>
media::Switchboard::Answer<T> NodeConnection::later(
    std::move_only_function<void(NodeConnection&, Result<T>)> then) {
    return [host = host_, sid = user_->participant_sid(), then = std::move(then)](
               Result<T> result) mutable {
        SignalSession* const session = host->find_session(sid);
        NodeConnection* const self = session == nullptr ? nullptr : session->node_connection();
        if (self == nullptr) {
            let_go(*host, result);
            return;
        }
        then(*self, std::move(result));
        host->end_turn();
    };
}

// Sections for all that waits; which of them carry what.
void NodeConnection::plan() {
    const Shortfall missing = subscriptions_->shortfall();
    for (const auto& [count, kind] : {std::pair(missing.audios, MediaKind::kAudio),
                                      std::pair(missing.videos, MediaKind::kVideo)}) {
        for (std::uint32_t i = 0; i < count && template_.media.size() < kSectionsMax; ++i) {
            template_.media.push_back(make_media_template(std::to_string(mids_made_++), kind));
        }
    }
    template_.bundle_groups.assign(1, {});
    for (const sdp::MediaDescription& media : template_.media) {
        template_.bundle_groups.front().push_back(media.mid);
    }
    auto negotiated = sdp::negotiate(template_, policy());
    CHECK(negotiated.has_value());
    planned_ = std::move(negotiated).value_or(sdp::NegotiatedSession());
    // Those of an offer that was never answered too.
    for (std::string& mid : subscriptions_->assign(planned_.connection.sections)) {
        name_stream(mid);
        fresh_mids_.push_back(std::move(mid));
    }
    planned_.connection.remote_ice = {};
    if (planned_.connection.data) {
        planned_.connection.data->opens = channels();
    }
}

// A browser calls the track of a section by the id that it had first, and clients go by that: where
// a section is used again, the stream's name tells them.
void NodeConnection::name_stream(const std::string& mid) {
    WantedTrack* const track = subscriptions_->find_mid(mid);
    if (!used_mids_.insert(mid).second && track != nullptr) {
        track->stream = track->stream.substr(0, track->stream.find('|') + 1) + track->sid;
    }
}

void NodeConnection::prepare() {
    state_ = State::kPreparing;
    plan();
    media::sfu::ConnectionDescription description = without_inactive(planned_.connection);
    // Nothing new is sent before the client knows of it.
    for (media::sfu::MediaSection& section : description.sections) {
        if (std::ranges::find(fresh_mids_, section.mid) != fresh_mids_.end()) {
            section.wanted_track.clear();
        }
    }
    if (id_ && current_) {
        // As the client answered last; new sections beside it.
        description.remote_fingerprint = current_->remote_fingerprint;
        description.local_role = current_->local_role;
        host_->switchboard().renegotiate(
            connection(),
            std::move(description),
            later<LocalDescription>([](NodeConnection& self, Result<LocalDescription> local) {
                if (!local) {
                    self.user_->on_connection_failed(local.error().message);
                    return;
                }
                self.send_offer(std::move(*local));
            }));
        return;
    }
    media::JoinRequest request = user_->join_request();
    request.description = std::move(description);
    host_->switchboard().join(
        std::move(request), later<JoinResult>([](NodeConnection& self, Result<JoinResult> joined) {
            if (!joined) {
                self.user_->on_connection_failed(joined.error().message);
                return;
            }
            self.id_ = joined->connection;
            self.current_ = self.planned_.connection;
            self.host_->bind(joined->connection, self.user_->participant_sid());
            self.send_offer(std::move(joined->local));
        }));
}

void NodeConnection::send_offer(LocalDescription local) {
    subscriptions_->name_senders(local);
    user_->choose_candidates(local);
    sdp::SessionDescription offer = sdp::make_answer(template_, planned_, local, session_id_);
    offer.session_version = ++session_version_;
    for (sdp::MediaDescription& media : offer.media) {
        media.setup = sdp::Setup::kActivePassive;
    }
    proto::SessionDescription message;
    message.set_type("offer");
    message.set_sdp(sdp::write_session_description(offer));
    message.set_id(++offer_id_);
    for (const media::sfu::MediaSection& section : planned_.connection.sections) {
        if (const WantedTrack* const track = subscriptions_->find_mid(section.mid)) {
            message.mutable_mid_to_track_id()->insert({section.mid, track->sid});
        }
    }
    state_ = State::kOffered;
    user_->send_offer(message);
}

void NodeConnection::on_answer(const proto::SessionDescription& answer) {
    // Some clients answer with id 0.
    if (state_ != State::kOffered || (answer.id() != 0 && answer.id() != offer_id_)) {
        return;
    }
    const auto parsed = sdp::parse_session_description(answer.sdp(), kSdpLimits);
    if (!parsed || parsed->media.size() != template_.media.size()) {
        user_->on_connection_failed(parsed ? "the answer has other sections than the offer"
                                           : parsed.error().message);
        return;
    }
    auto negotiated = sdp::negotiate(*parsed, policy());
    if (!negotiated || !negotiated->connection.data) {
        user_->on_connection_failed(negotiated ? "the answer takes no data channels"
                                               : negotiated.error().message);
        return;
    }
    state_ = State::kApplying;
    media::sfu::ConnectionDescription description = std::move(negotiated->connection);
    if (description.data) {
        description.data->opens = channels();
    }
    subscriptions_->refresh(description.sections);
    current_ = description;
    host_->switchboard().renegotiate(
        connection(),
        without_inactive(std::move(description)),
        later<LocalDescription>([](NodeConnection& self, const Result<LocalDescription>& local) {
            if (!local) {
                self.user_->on_connection_failed(local.error().message);
                return;
            }
            self.finish();
        }));
    user_->on_sending(connection(), std::exchange(fresh_mids_, {}));
}

void NodeConnection::finish() {
    state_ = State::kIdle;
    refresh();
    if (std::exchange(restart_, false)) {
        restart();
        return;
    }
    settle();
}

void NodeConnection::restart() {
    if (!id_) {
        return;
    }
    // The offer that is out may be lost with the socket: a new one takes its place.
    if (state_ == State::kPreparing || state_ == State::kApplying) {
        restart_ = true;
        return;
    }
    state_ = State::kPreparing;
    host_->switchboard().restart_ice(
        connection(),
        {},
        later<LocalDescription>([](NodeConnection& self, const Result<LocalDescription>& local) {
            if (!local) {
                self.user_->on_connection_failed(local.error().message);
                return;
            }
            self.prepare();
        }));
}

void NodeConnection::refresh() {
    if (id_ && current_ && state_ == State::kIdle && subscriptions_->refresh(current_->sections)) {
        host_->switchboard().renegotiate(
            connection(), without_inactive(*current_), [](const Result<LocalDescription>&) {});
    }
}

}  // namespace isthmus::signaling::livekit
