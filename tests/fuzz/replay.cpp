// The main() of fuzz targets where libFuzzer is not: runs the target on every file of the folders
// that it is given. Options, which start with a dash, are libFuzzer's and ignored.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> content((std::istreambuf_iterator<char>(file)), {});
  // The sanitizers see a read past the end only in a buffer of exactly that size.
  const std::vector<std::uint8_t> input(content.begin(), content.end());
  std::printf("%s: %zu bytes\n", path.filename().c_str(), input.size());
  (void)LLVMFuzzerTestOneInput(input.data(), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t replayed = 0;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') continue;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      replay(entry.path());
      ++replayed;
    }
  }
  if (replayed == 0) std::fprintf(stderr, "no input found\n");
  return replayed > 0 ? 0 : 1;
}
