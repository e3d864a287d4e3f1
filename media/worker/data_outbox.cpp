#include "media/worker/data_outbox.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace isthmus::media {

bool DataOutbox::add(ConnectionId connection, DataMessage message) {
    waiting_.push_back({.association = {connection.value}, .message = std::move(message)});
    return waiting_.size() == 1;
}

std::vector<ConnectionId> DataOutbox::flush(const Take& take) {
    std::vector<ConnectionId> failed;
    const std::vector<data::OutgoingMessage> all = std::exchange(waiting_, {});
    for (auto begin = all.begin(); begin != all.end();) {
        const auto end = std::find_if(begin, all.end(), [begin](const auto& one) {
            return one.message.bytes != begin->message.bytes;
        });
        const std::vector<data::OutgoingMessage> same(begin, end);
        begin = end;
        if (take(same)) {
            continue;
        }
        for (const data::OutgoingMessage& lost : same) {
            if (is_reliable(lost)) {
                failed.push_back({lost.association.value});
            }
        }
    }
    std::ranges::sort(failed);
    const auto repeated = std::ranges::unique(failed);
    failed.erase(repeated.begin(), repeated.end());
    return failed;
}

void DataOutbox::on_event(const ConferenceEvent& event) {
    if (const auto* opened = std::get_if<DataChannelOpened>(&event)) {
        if (!opened->reliable) {
            unreliable_[opened->connection.value].push_back(opened->channel);
        }
    } else if (const auto* closed = std::get_if<DataChannelClosed>(&event)) {
        const auto channels = unreliable_.find(closed->connection.value);
        if (channels != unreliable_.end()) {
            std::erase(channels->second, closed->channel);
        }
    }
}

bool DataOutbox::is_reliable(const data::OutgoingMessage& message) const {
    const auto channels = unreliable_.find(message.association.value);
    return channels == unreliable_.end() ||
           std::ranges::find(channels->second, message.message.channel) == channels->second.end();
}

}  // namespace isthmus::media
