// Published test vectors: hexadecimal text, and Project Wycheproof's files where they are at hand:
// in the folder that the environment variable SLUICE_VECTORS names, else in ../shared/vectors
// beside the project.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace sluice::test {

using ByteVector = std::vector<std::byte>;

// Throws std::invalid_argument on anything but hexadecimal digits in pairs and white space.
[[nodiscard]] ByteVector from_hex(std::string_view text);
[[nodiscard]] std::string to_hex(base::Bytes bytes);

inline constexpr std::string_view kNoVectors =
    "the file is not there: set SLUICE_VECTORS to the folder of the Wycheproof vectors";

// The file's content, or none where it does not exist: the test is then skipped with kNoVectors.
[[nodiscard]] std::optional<nlohmann::json> load_vectors(std::string_view file);

}  // namespace sluice::test
