#include "tools/ctl/table.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace isthmus::ctl {
namespace {

constexpr std::size_t kGap = 2;

// Characters, not bytes: continuation bytes of UTF-8 take no column.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    CHECK(cells.size() == rows_.front().size());
    for (std::string& cell : cells) {
        std::ranges::replace_if(
            cell, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    }
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width(row[i]));
        }
    }
    std::string text;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size()) {
                text.append(widths[i] - width(row[i]) + kGap, ' ');
            }
        }
        text += '\n';
    }
    return text;
}

}  // namespace isthmus::ctl
