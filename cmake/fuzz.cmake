# sluice_fuzz_target(NAME SOURCES... CORPUS folder [LINKS targets...]) makes the program fuzz_NAME
# from a source with LLVMFuzzerTestOneInput. In the fuzz preset (clang) it is a libFuzzer program;
# elsewhere it replays files. Either way its corpus is replayed as the test fuzz_NAME:
#   build/fuzz/bin/fuzz_NAME -max_total_time=60 NEW_INPUTS tests/fuzz/corpus/NAME
function(sluice_fuzz_target name)
  cmake_parse_arguments(FUZZ "" "CORPUS" "SOURCES;LINKS" ${ARGN})
  set(program fuzz_${name})
  if(SLUICE_FUZZ)
    add_executable(${program} ${FUZZ_SOURCES})
    target_link_options(${program} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${program} ${FUZZ_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cpp)
  endif()
  target_link_libraries(${program} PRIVATE sluice_options ${FUZZ_LINKS})
  get_filename_component(corpus ${FUZZ_CORPUS} ABSOLUTE)
  add_test(NAME ${program} COMMAND ${program} -runs=0 ${corpus})
  set_tests_properties(${program} PROPERTIES TIMEOUT 120 LABELS "unit;fuzz")
endfunction()
