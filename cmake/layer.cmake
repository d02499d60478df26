# One static library per layer of the include law, all with the same warnings.
add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_features(sluice_options INTERFACE cxx_std_20)
target_compile_options(sluice_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wno-missing-field-initializers  # designated initialisers leave the rest at its default
  -march=x86-64-v2 -fno-omit-frame-pointer)
if(SLUICE_SANITIZE)
  # GCC takes some of the checks that the sanitizers put in for uses of what is not initialised.
  target_compile_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE}
    -fno-sanitize-recover=all $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE})
endif()
if(SLUICE_FUZZ)
  target_compile_options(sluice_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The layers call each other for every packet, so programs are optimised across their borders. The
# objects hold both forms, and tests link them as they are.
if(SLUICE_LTO)
  set(SLUICE_LTO_COMPILE -flto=auto -ffat-lto-objects)
  set(SLUICE_LTO_PROGRAM -flto=auto)
  set(SLUICE_LTO_TEST -fno-lto)
endif()

# sluice_layer(NAME SOURCES... [LINKS targets...]) makes the library sluice_NAME.
function(sluice_layer name)
  cmake_parse_arguments(LAYER "" "" "SOURCES;LINKS" ${ARGN})
  add_library(sluice_${name} STATIC ${LAYER_SOURCES})
  target_link_libraries(sluice_${name} PUBLIC sluice_options ${LAYER_LINKS})
  target_compile_options(sluice_${name} PRIVATE ${SLUICE_LTO_COMPILE})
endfunction()

# sluice_program(NAME SOURCES... [LINKS targets...]) makes an executable in build/<preset>/bin.
function(sluice_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE sluice_options ${PROGRAM_LINKS})
  target_link_options(${name} PRIVATE ${SLUICE_LTO_PROGRAM})
endfunction()

# sluice_test(NAME SOURCES... [LINKS targets...] [LABELS labels...]) makes the test program NAME and
# registers it as one CTest test. Label "shared" marks what ThreadSanitizer has to see; the target
# shared_tests builds those.
add_custom_target(shared_tests)
function(sluice_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE sluice_options ${TEST_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_link_options(${name} PRIVATE ${SLUICE_LTO_TEST})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "unit;${TEST_LABELS}")
  if("shared" IN_LIST TEST_LABELS)
    add_dependencies(shared_tests ${name})
  endif()
endfunction()
