#include "tools/hub/channels/progress_queue.h"

#include <iterator>
#include <utility>

#include <boost/json/serialize.hpp>

namespace isthmus::hub {
namespace {

constexpr std::size_t kBytesMax = 4UL * 1024 * 1024;
constexpr std::size_t kBytesEach = 256;  // beside message and result

std::size_t bytes_of(const ProgressQueue::Told& told) {
    const Progress& progress = told.progress;
    return kBytesEach + progress.message.size() +
           (progress.result.is_null() ? 0 : boost::json::serialize(progress.result).size());
}

}  // namespace

bool ProgressQueue::add(Told told) {
    bytes_ += bytes_of(told);
    waiting_.push_back(std::move(told));
    return bytes_ <= kBytesMax;
}

ProgressQueue::Batch ProgressQueue::begin_batch() {
    if (under_way_ || waiting_.empty()) {
        return {};
    }
    under_way_ = true;
    bytes_ = 0;
    return std::exchange(waiting_, {});
}

void ProgressQueue::put_back(Batch batch) {
    under_way_ = false;
    batch.insert(batch.end(),
                 std::make_move_iterator(waiting_.begin()),
                 std::make_move_iterator(waiting_.end()));
    waiting_ = std::move(batch);
    bytes_ = 0;
    for (const Told& told : waiting_) {
        bytes_ += bytes_of(told);
    }
}

}  // namespace isthmus::hub
