# Everything Sluice links against comes from Debian packages; scripts/setup installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

# libcrypto alone: Sluice speaks TLS itself and never links libssl.
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
# The serialiser of metrics alone; what answers to scrapes is our own.
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
# DPDK's compile flags carry -march=corei7 and headers that do not survive our warnings: only the
# targets that may include <rte_*> link it, and see its headers as system headers.
pkg_check_modules(DPDK REQUIRED IMPORTED_TARGET libdpdk)
find_library(IPSEC_MB_LIBRARY IPSec_MB REQUIRED)
find_path(IPSEC_MB_INCLUDE intel-ipsec-mb.h REQUIRED)
add_library(ipsec_mb INTERFACE)
target_include_directories(ipsec_mb SYSTEM INTERFACE ${IPSEC_MB_INCLUDE})
target_link_libraries(ipsec_mb INTERFACE ${IPSEC_MB_LIBRARY})

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# libssl plays the peer in tests; no program links it.
find_package(OpenSSL REQUIRED)
