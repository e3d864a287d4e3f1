// Values in a table, named by ids that never come back: an id whose value is gone finds nothing,
// even when its place is used again. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace isthmus {

// 32 bits of place, 32 bits of generation; 0 names nothing.
template <typename Tag>
struct SlotId {
    std::uint64_t value = 0;

    friend auto operator<=>(const SlotId&, const SlotId&) = default;

    explicit operator bool() const { return value != 0; }
};

template <typename T, typename Tag = T>
class SlotMap {
  public:
    using Id = SlotId<Tag>;

    // References to values stay valid until the value is erased or another is added.
    template <typename... Args>
    Id emplace(Args&&... args) {
        std::uint32_t place = 0;
        if (free_.empty()) {
            place = static_cast<std::uint32_t>(slots_.size());
            slots_.emplace_back();
        } else {
            place = free_.back();
            free_.pop_back();
        }
        Slot& slot = slots_[place];
        slot.value.emplace(std::forward<Args>(args)...);
        ++size_;
        return Id{(static_cast<std::uint64_t>(slot.generation) << 32U) | place};
    }

    [[nodiscard]] T* find(Id id) {
        const auto place = static_cast<std::uint32_t>(id.value);
        const auto generation = static_cast<std::uint32_t>(id.value >> 32U);
        if (place >= slots_.size() || slots_[place].generation != generation) {
            return nullptr;
        }
        std::optional<T>& value = slots_[place].value;
        return value ? &*value : nullptr;
    }

    [[nodiscard]] const T* find(Id id) const { return const_cast<SlotMap*>(this)->find(id); }

    bool erase(Id id) {
        if (find(id) == nullptr) {
            return false;
        }
        const auto place = static_cast<std::uint32_t>(id.value);
        slots_[place].value.reset();
        ++slots_[place].generation;
        free_.push_back(place);
        --size_;
        return true;
    }

    template <typename Function>
    void for_each(Function&& function) {
        for (std::uint32_t place = 0; place < slots_.size(); ++place) {
            Slot& slot = slots_[place];
            if (slot.value) {
                function(Id{(static_cast<std::uint64_t>(slot.generation) << 32U) | place},
                         *slot.value);
            }
        }
    }

    template <typename Function>
    void for_each(Function&& function) const {
        for (std::uint32_t place = 0; place < slots_.size(); ++place) {
            const Slot& slot = slots_[place];
            if (slot.value) {
                function(Id{(static_cast<std::uint64_t>(slot.generation) << 32U) | place},
                         *slot.value);
            }
        }
    }

    [[nodiscard]] std::size_t size() const { return size_; }

    [[nodiscard]] bool empty() const { return size_ == 0; }

  private:
    struct Slot {
        std::optional<T> value;
        std::uint32_t generation = 1;
    };

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

}  // namespace isthmus
