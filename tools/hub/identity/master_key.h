// The key that other keys and secrets in the database are encrypted under. It lies in the data
// directory (mode 0600), apart from the database, so that who reads only one of the two has
// nothing. Several instances on one database have the same file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/random.h"

namespace isthmus::hub {

class MasterKey {
  public:
    [[nodiscard]] static Result<MasterKey> load_or_make(const std::filesystem::path& path,
                                                        RandomSource& random);
    [[nodiscard]] static Result<MasterKey> load(const std::filesystem::path& path);
    // 32 bytes as base64url: what the file holds.
    [[nodiscard]] static std::optional<MasterKey> from_text(std::string_view text);
    // What a backup's passphrase comes to.
    [[nodiscard]] static MasterKey from_passphrase(std::string_view passphrase,
                                                   std::string_view salt);
    [[nodiscard]] std::string text() const;

    // AES-256-GCM under a nonce of its own, as base64url. `context` says what it is
    // ("hub_keys:ID"), so that one value cannot stand in for another.
    [[nodiscard]] std::string seal(RandomSource& random,
                                   std::string_view context,
                                   std::string_view secret) const;
    // kPermissionDenied: sealed under another master key, or changed.
    [[nodiscard]] Result<std::string> open(std::string_view context, std::string_view sealed) const;

  private:
    explicit MasterKey(std::string bytes) : bytes_(std::move(bytes)) {}

    std::string bytes_;
};

}  // namespace isthmus::hub
