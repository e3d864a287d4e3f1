# Everything that comes from Debian packages, as imported targets. tools/dev installs the packages.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)

pkg_check_modules(SRTP REQUIRED IMPORTED_TARGET libsrtp2)
pkg_check_modules(NICE REQUIRED IMPORTED_TARGET nice)
pkg_check_modules(USRSCTP REQUIRED IMPORTED_TARGET usrsctp)
pkg_check_modules(GSTSDP REQUIRED IMPORTED_TARGET gstreamer-sdp-1.0)
# What isthmus-load encodes its recordings with.
pkg_check_modules(VPX REQUIRED IMPORTED_TARGET vpx)
pkg_check_modules(OPENH264 REQUIRED IMPORTED_TARGET openh264)
pkg_check_modules(AOM REQUIRED IMPORTED_TARGET aom)

# Debian's intel-ipsec-mb has no pkg-config file. x86-64 only: elsewhere OpenSSL does the work.
find_library(IPSEC_MB_LIBRARY IPSec_MB)
find_path(IPSEC_MB_INCLUDE_DIR intel-ipsec-mb.h)
if(IPSEC_MB_LIBRARY AND IPSEC_MB_INCLUDE_DIR)
    add_library(isthmus_ipsec_mb INTERFACE)
    target_link_libraries(isthmus_ipsec_mb INTERFACE ${IPSEC_MB_LIBRARY})
    target_include_directories(isthmus_ipsec_mb SYSTEM INTERFACE ${IPSEC_MB_INCLUDE_DIR})
endif()

# JSON schemas of connectors' configurations; headers only. Without the definition it would abort.
find_path(VALIJSON_INCLUDE_DIR valijson/validator.hpp REQUIRED)
add_library(isthmus_valijson INTERFACE)
target_include_directories(isthmus_valijson SYSTEM INTERFACE ${VALIJSON_INCLUDE_DIR})
target_compile_definitions(isthmus_valijson INTERFACE VALIJSON_USE_EXCEPTIONS=1)

# What hub (and agent) keep state with. Debian's libsoci-dev has neither a CMake nor a pkg-config file.
find_library(SOCI_CORE_LIBRARY soci_core REQUIRED)
find_library(SOCI_SQLITE3_LIBRARY soci_sqlite3 REQUIRED)
find_library(SOCI_POSTGRESQL_LIBRARY soci_postgresql REQUIRED)
find_path(SOCI_INCLUDE_DIR soci/soci.h REQUIRED)
find_library(PQ_LIBRARY pq REQUIRED)
find_path(PQ_INCLUDE_DIR libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
add_library(isthmus_soci INTERFACE)
target_link_libraries(isthmus_soci INTERFACE ${SOCI_CORE_LIBRARY} ${SOCI_SQLITE3_LIBRARY} ${SOCI_POSTGRESQL_LIBRARY}
                                             ${PQ_LIBRARY})
target_include_directories(isthmus_soci SYSTEM INTERFACE ${SOCI_INCLUDE_DIR} ${PQ_INCLUDE_DIR})

pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
# What instances of the hub tell each other over.
pkg_check_modules(NATS REQUIRED IMPORTED_TARGET libnats)

if(ISTHMUS_TESTS)
    find_package(GTest REQUIRED)
    include(GoogleTest)
endif()
if(ISTHMUS_BENCHMARKS)
    find_package(benchmark REQUIRED)
endif()
